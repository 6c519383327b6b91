// A client that says anything after its login, to a server that answers as the queue of owed
// replies expects, or, when the circumstances say so, with an error now and then. The server must
// come back only in a known state, and the end must be clean wherever the client leaves.
#include "relay_ends.h"

using namespace tidegate;
using namespace tidegate::postgres;
using fuzz::frame;
using fuzz::zero;

namespace {

std::string an_error() {
  return frame('E', zero("SERROR") + zero("VERROR") + zero("C22012") + zero("Mno") + '\0');
}

// What ends the request at the front of the queue.
std::string an_answer(ServerState& state, bool fails) {
  if (state.owed.empty()) return {};
  const auto& front = state.owed.front();
  const bool ends_in_ready = front.reply == Reply::query || front.reply == Reply::sync ||
                             front.reply == Reply::function_call;
  if (fails && !ends_in_ready) return an_error();
  switch (front.reply) {
    case Reply::parse:
      return frame('1', "");
    case Reply::bind:
      return frame('2', "");
    case Reply::describe:
      return frame('n', "");
    case Reply::execute:
      return frame('C', zero("SELECT 1"));
    case Reply::close:
      return frame('3', "");
    default:
      return (fails ? an_error() : std::string()) + frame('Z', "I");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::LoginInput::from(data, size);
  fuzz::RelayEnds ends;
  ByteBuffer waiting;
  for (int round = 0; ends.alive() && (!input.bytes.empty() || round < 64); ++round) {
    const auto piece = input.next_piece();
    waiting.insert(waiting.end(), piece.begin(), piece.end());
    if (!waiting.empty() && ends.client.wants_input()) {
      const auto taken = ends.client.from_client(waiting, ends.turn);
      waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    if (!ends.alive()) break;
    ends.link();
    if (!ends.client_port.linked || round % 2 == 0) continue;
    const bool fails = input.has(0) && round % 5 == 0;
    const auto answer = an_answer(ends.server.state(), fails);
    if (!answer.empty()) ends.server.from_server(as_bytes(answer), ends.turn);
    if (waiting.size() > 1 << 20) break;
  }
  if (ends.client_port.closed || !ends.client_port.linked) return 0;
  ends.client.client_lost(ends.turn);
  if (ends.server_port.broken_off || !ends.server.abandon(ends.turn)) return 0;
  for (int i = 0; i < 100'000 && !ends.server_port.broken_off; ++i) {
    const auto answer = an_answer(ends.server.state(), false);
    if (answer.empty()) break;
    ends.server.from_server(as_bytes(answer), ends.turn);
  }
  TG_CHECK(ends.server_port.cleaned_up || ends.server_port.broken_off);
  return 0;
}
