// The arithmetic of sizes, as functions of plain numbers: how many servers a route may have, how
// many it lacks, how many of them pins may hold.
#pragma once

#include "pool/pool.h"

namespace tidegate::pool {

// The most servers a route may have: max_overflow exists only while clients wait.
int servers_max(const RouteLimits& limits, bool clients_wait);
int pins_max(const RouteLimits& limits);

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
