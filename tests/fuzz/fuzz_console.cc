// A client of the console that says anything. Every command it gets through is asked once and
// answered once, at once or later; after the end nothing is sent, and no answer finds it any more.
#include "base/check.h"
#include "postgres/console_conversation.h"
#include "relay_ends.h"

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

class Console : public session::VirtualDatabase {
 public:
  using Done = std::move_only_function<void(session::ConsoleReply)>;

  explicit Console(bool answers_late) : answers_late_(answers_late) {}

  void run(std::string_view user, std::string_view command, Done done) override {
    TG_CHECK(user == "admin" && !command.empty());
    TG_CHECK(!held);  // one at a time
    held = std::move(done);
    fails_ = command.size() % 3 == 0;
    if (!answers_late_) answer();
  }
  void answer() {
    if (!held) return;
    session::ConsoleReply reply;
    if (fails_) {
      reply.error = "no";
      reply.sqlstate = "42601";
    } else {
      reply.table = session::Table{{{"name"}}, {{"one"}, {std::nullopt}}};
      reply.tag = "SHOW";
      reply.notices = {"a notice"};
    }
    std::exchange(held, {})(std::move(reply));
  }

  Done held;

 private:
  bool answers_late_;
  bool fails_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::LoginInput::from(data, size);
  Console console(input.has(0));
  testing::RelayClient port{{}};
  {
    ConsoleConversation conversation(port, console, {.user = "admin", .database = "tidegate"});
    conversation.welcome();
    while (!input.bytes.empty() && !port.closed) {
      const auto piece = input.next_piece();
      TG_CHECK(conversation.from_client(piece) == piece.size());
      console.answer();
    }
    if (input.has(1) && !port.closed) conversation.client_finished();
  }
  console.answer();
  return 0;
}
