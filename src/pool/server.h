// A server as the pool keeps it: in which state, where, for whom.
#pragma once

#include <cstdint>

#include "pool/waiter.h"

namespace tidegate::pool {

enum class ServerState : std::uint8_t { opening, idle, held, closing };

struct Server {
  ServerId id;
  Route* route = nullptr;
  ServerState state = ServerState::opening;
  WorkerIndex home = 0;
  FitTag fit = 0;
  std::uint32_t epoch = 0;  // the route's when it was opened; an older one is closed on return
  Instant ready_at;
  Instant recycle_at = Instant::never();
  Instant idle_since;   // idle only
  Ticket ticket;        // held only: what its holder came with
  RouteId promised_to;  // closing only: the route that waits for its place in the budget
  ListHook<Server> by_worker;
  ListHook<Server> by_route;
  ListHook<Server> by_age;  // among the idle, or among the promised
};

}  // namespace tidegate::pool
