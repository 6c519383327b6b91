// A route as the pool keeps it: its limits, its queue, its servers by state, its needs.
#pragma once

#include "pool/backoff.h"
#include "pool/fair_share.h"
#include "pool/idle_servers.h"
#include "pool/sizing.h"
#include "pool/waiter_queue.h"

namespace tidegate::pool {

struct Route {
  RouteId id;
  RouteLimits limits;
  bool paused = false;
  bool removed = false;
  std::uint32_t epoch = 0;  // raised by recycle_all

  int opening = 0;
  int held = 0;
  int closing = 0;
  int held_by_kind[kHoldKinds] = {};
  int pins = 0;                // pins held and pins waiting
  int listens = 0;             // listeners that have a server, and that wait for one
  int promised = 0;            // places that closing servers will leave to this route
  int promised_by_others = 0;  // of these, by servers of other routes
  IdleServers idle;
  WaiterQueue queue;

  // Logins that will fail again (wrong password). Other routes of the upstream do not suffer.
  Backoff refusals;
  Reason refusal = Reason::none;
  bool refusal_lasts = false;         // the last of them was of_route
  Instant server_died_at{INT64_MIN};  // servers idle since before that are suspect
  WorkerIndex worker_last = 0;        // where a client asked last; spare servers are opened there

  std::uint64_t need_number = 0;  // when it came into need, or was last given a place; 0: content
  Instant need_since;             // when it came into the present kind of need
  std::uint32_t need_position = kNotInHeap;
  std::uint32_t alarm_position = kNotInHeap;

  int live() const { return opening + idle.size() + held; }
  int size() const { return live() + closing; }
  bool reachable() const { return idle.size() + held > 0; }
  // Whether who waits has anything of the route to wait for; the last login may be the good one.
  bool hopeful() const { return live() > 0; }
  bool unused() const { return size() == 0 && queue.empty() && promised == 0 && !paused; }
  // Servers that a client of the next transaction can hope for.
  int serving() const {
    return live() - held_by_kind[static_cast<int>(HoldKind::pin)] -
           held_by_kind[static_cast<int>(HoldKind::listen)];
  }
  RouteLoad load() const {
    return {queue.size(), opening + promised, idle.size(), size() - listens + promised_by_others};
  }
};

// Whether an idle server is asked if it lives before somebody gets it.
inline bool is_suspect(const Server& server, Instant now) {
  const Route& route = *server.route;
  return route.limits.pre_ping && (now - server.idle_since > route.limits.ping_after ||
                                   server.idle_since <= route.server_died_at);
}

}  // namespace tidegate::pool
