// A server that says anything during our login. The login must end done, failed once or waiting,
// and with SCRAM begun only a server that proves itself can get it done.
#include "base/check.h"
#include "login_input.h"
#include "postgres/server_login.h"

using namespace tidegate;
using namespace tidegate::postgres;

namespace {

using State = ServerLogin::State;

class Port : public session::ServerPort {
 public:
  explicit Port(const fuzz::LoginInput& input) {
    rules_ = {.user = "user", .database = "database", .password = "password"};
    rules_.tls_wanted = input.has(0);
    rules_.tls_required = input.has(1);
    rules_.cleartext_allowed = input.has(2);
    rules_.channel_binding_wanted = input.has(3);
  }

  void to_server(Bytes bytes) override {
    TG_CHECK(failed == 0);
    sent_bytes += bytes.size();
  }
  void start_tls() override { tls_begins = true; }
  const session::ServerRules& rules() const override { return rules_; }
  void need_scram_keys(Bytes, std::uint32_t iterations) override {
    TG_CHECK(iterations > 0 && iterations <= auth::kIterationsMax);
    keys_wanted = true;
  }
  void login_done() override { TG_CHECK(false); }  // the owner's
  void login_failed(const session::Failure& why) override {
    TG_CHECK(why.reason != Reason::none);
    ++failed;
  }
  void verified() override { TG_CHECK(false); }
  void cleaned() override { TG_CHECK(false); }
  void broken(Reason, std::string_view) override { TG_CHECK(false); }
  Log& log() override { return log_; }

  int failed = 0;
  std::size_t sent_bytes = 0;
  bool tls_begins = false;
  bool keys_wanted = false;

 private:
  session::ServerRules rules_;
  fuzz::QuietLog log_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::LoginInput::from(data, size);
  Port port(input);
  ServerLogin login(port);
  fuzz::FixedEntropy entropy;
  const session::Turn turn{Instant{}, WallTime{}, entropy};
  login.start(turn);
  bool sasl_begun = false;
  while (!input.bytes.empty() && login.state() != State::done) {
    const auto piece = input.next_piece();
    const auto taken = login.from_server(piece, turn);
    TG_CHECK(taken == piece.size() || login.state() == State::done);
    sasl_begun |= login.state() == State::sasl_continue;
    if (std::exchange(port.tls_begins, false)) login.secured({.channel_binding = {1, 2}}, turn);
    // No server of a fuzzer knows these keys.
    if (std::exchange(port.keys_wanted, false)) login.scram_keys({.server_key = {1}}, turn);
  }
  TG_CHECK(port.failed <= 1);
  TG_CHECK((login.state() == State::failed) == (port.failed == 1));
  TG_CHECK(!sasl_begun || login.state() != State::done);
  TG_CHECK(login.reported().size() <= 256);
  TG_CHECK(port.sent_bytes < 64 * 1024);
  return 0;
}
