// The arithmetic of sizes, as functions of plain numbers: how many servers a route may have, how
// many it lacks, how many of them pins may hold.
#pragma once

#include "pool/pool.h"

namespace tidegate::pool {

// The most servers a route may have: max_overflow exists only while clients wait.
int servers_max(const RouteLimits& limits, bool clients_wait);
// Of one route, whatever the others hold.
int pins_max(const RouteLimits& limits);
// Of all routes of an upstream, as far as their limits are not written down: one place of the
// budget is left for whoever holds none.
int pins_max(const UpstreamLimits& limits);

// When a standing queue is overload. Not written down, it is so when one that grows on would soon
// let clients wait in vain: those are shed who have waited twice as long, half of pool_timeout.
Duration shed_target(const RouteLimits& limits);

struct PinLoad {
  int route = 0;     // pins held and pins waiting
  int upstream = 0;  // the same of all its routes
};
bool may_pin(const RouteLimits& route, const UpstreamLimits& upstream, const PinLoad& load);

struct RouteLoad {
  int waiting = 0;
  int coming = 0;  // opening, or promised a place in the budget
  int idle = 0;
  int size = 0;  // everything that counts, and what is promised
};
// Servers to open for clients that wait and have none on the way.
int servers_missing(const RouteLimits& limits, const RouteLoad& load);
// Servers to open so that min_idle are ready although nobody asks.
int spares_missing(const RouteLimits& limits, const RouteLoad& load);

}  // namespace tidegate::pool
