// The idle servers of one route, and which of them a client is given. Moving a server to another
// worker (its socket leaves one epoll set for another, and both threads touch it) costs more than
// replaying settings (bytes in front of the client's own), so the order of preference is
//   on the client's worker with its settings, on the client's worker, elsewhere with its settings,
//   anywhere;
// within each the one used last, whose caches are warm, so that the surplus ages and is closed.
// With lifo off they go in turn, whatever they carry and wherever they are.
#pragma once

#include <vector>

#include "pool/server.h"

namespace tidegate::pool {

class IdleServers {
 public:
  void put(Server& server);
  void take(Server& server);
  // Null when there is none. The chosen one stays until it is taken.
  Server* choose(const Want& want, bool lifo) const;
  Server* longest_idle() const { return by_route_.back(); }
  int size() const { return by_route_.size(); }

 private:
  std::vector<IntrusiveList<Server, &Server::by_worker>> by_worker_;  // the last used in front
  IntrusiveList<Server, &Server::by_route> by_route_;                 // the last used in front
};

}  // namespace tidegate::pool
