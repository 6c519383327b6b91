#include "net/sim_listener.h"

#include <algorithm>

#include "net/sim_reactor.h"

namespace tidegate::net {

namespace {
constexpr std::size_t kBacklogMax = 4096;
}

SimListener::SimListener(SimNetwork& network, Address address)
    : network_(network), address_(address) {
  network_.listen(address_, this);
}

SimListener::~SimListener() {
  network_.stop_listening(address_);
}

void SimListener::incoming(SimSocket socket, const Address& peer, const Address&) {
  if (backlog_.size() >= kBacklogMax) return;  // dropped: the peer sees an end
  backlog_.push_back({std::move(socket), peer});
  wake_somebody();
}

void SimListener::subscribe(SimReactor* reactor) {
  subscribers_.push_back(reactor);
  if (!backlog_.empty()) wake_somebody();
}

void SimListener::unsubscribe(SimReactor* reactor) {
  const auto found = std::find(subscribers_.begin(), subscribers_.end(), reactor);
  if (found != subscribers_.end()) subscribers_.erase(found);
  if (!backlog_.empty()) wake_somebody();
}

void SimListener::wake_somebody() {
  if (subscribers_.empty()) return;
  subscribers_[network_.random().below(subscribers_.size())]->listener_ready(this);
}

}  // namespace tidegate::net
