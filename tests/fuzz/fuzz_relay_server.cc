// A server that answers anything to a client that pipelines every kind of request. Whatever it
// says, the conversation goes on or ends; a client that was closed hears nothing more.
#include "relay_ends.h"

using namespace tidegate;
using namespace tidegate::postgres;
using fuzz::frame;
using fuzz::zero;

namespace {

const std::string kNone16(2, '\0');

std::string requests() {
  return frame('P', zero("s") + zero("select $1") + kNone16) +
         frame('B', zero("") + zero("s") + kNone16 + kNone16 + kNone16) +
         frame('D', "P" + zero("")) + frame('E', zero("") + std::string(4, '\0')) +
         frame('C', "S" + zero("s")) + frame('S', "") +
         frame('P', zero("") + zero("copy t from stdin") + kNone16) +
         frame('B', zero("") + zero("") + kNone16 + kNone16 + kNone16) +
         frame('E', zero("") + std::string(4, '\0')) + frame('S', "") +
         frame('Q', zero("set TimeZone = 'x'")) + frame('F', std::string(12, '\0')) +
         frame('Q', zero("discard all"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::LoginInput::from(data, size);
  fuzz::RelayEnds ends;
  std::string waiting = requests();
  while (ends.alive() && !input.bytes.empty()) {
    if (!waiting.empty() && ends.client.wants_input()) {
      waiting.erase(0, ends.client.from_client(as_bytes(waiting), ends.turn));
    }
    if (!ends.alive()) break;
    ends.link();
    const auto piece = input.next_piece();
    ends.server.from_server(piece, ends.turn);
    if (waiting.empty() && input.has(1)) waiting = requests();
  }
  if (ends.server_port.broken_off && ends.client_port.linked && !ends.client_port.closed) {
    ends.client_port.linked = false;
    ends.client.server_lost(Reason::server_protocol_error, {}, ends.turn);
    TG_CHECK(ends.client_port.closed);
  }
  return 0;
}
