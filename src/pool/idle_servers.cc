#include "pool/idle_servers.h"

namespace tidegate::pool {
namespace {

// How many of the servers used last are asked for a fit: a bound, so that the choice is O(1).
constexpr int kFitSearchMax = 16;

template <typename List>
Server* fitting(const List& list, FitTag fit) {
  int searched = 0;
  for (Server* s = list.front(); s != nullptr && searched < kFitSearchMax; ++searched) {
    if (s->fit == fit) return s;
    s = List::next(*s);
  }
  return nullptr;
}

}  // namespace

void IdleServers::put(Server& server) {
  if (server.home >= by_worker_.size()) by_worker_.resize(server.home + 1u);
  by_worker_[server.home].push_front(server);
  by_route_.push_front(server);
}

void IdleServers::take(Server& server) {
  by_worker_[server.home].erase(server);
  by_route_.erase(server);
}

Server* IdleServers::choose(const Want& want, bool lifo) const {
  if (by_route_.empty()) return nullptr;
  if (!lifo) return by_route_.back();
  if (want.worker < by_worker_.size() && !by_worker_[want.worker].empty()) {
    const auto& own = by_worker_[want.worker];
    Server* const fit = fitting(own, want.fit);
    return fit != nullptr ? fit : own.front();
  }
  Server* const fit = fitting(by_route_, want.fit);
  return fit != nullptr ? fit : by_route_.front();
}

}  // namespace tidegate::pool
