#include "net/sim_stream.h"

namespace tidegate::net {

SimLingering::SimLingering(SimSocket socket, ByteQueue output)
    : socket_(std::move(socket)), output_(std::move(output)) {
  socket_.watch(this);
  socket_changed();
}

SimLingering::~SimLingering() = default;

void SimLingering::socket_changed() {
  if (!socket_) return;
  if (socket_.was_reset()) output_.clear();
  while (!output_.empty()) {
    const auto front = output_.front();
    const auto sent = socket_.send(front);
    output_.consume(sent);
    if (sent < front.size()) return;
  }
  if (!socket_.was_reset()) socket_.finish();
  std::uint8_t ignored[4096];
  while (socket_.receive(ignored) > 0) continue;
  if (socket_.at_end() || socket_.was_reset()) socket_.close();
}

}  // namespace tidegate::net
