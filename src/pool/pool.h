// The pool decides which session gets which server, and when; when a server is opened, checked or
// closed; who waits, who is refused and why. One Pool is the policy of one upstream: its routes
// share a hard budget of server connections.
//
// It knows no protocol, no socket and no clock. Every call is a transaction: it takes one event at
// one instant and appends the actions that follow from it. The same events at the same instants
// give the same actions, byte for byte.
//
// Life of a server as the pool sees it:
//   opening -> (server_ready) -> idle -> held -> (server_released) -> idle -> ... -> closing ->
//   gone
// A server counts against every limit from the `open` action until server_gone().
//
// Late and wrong events. Workers and the pool may cross: an event about a server that is already
// gone (a stale id) is ignored, and so are server_ready of one that was told to close meanwhile and
// server_closing of one that is closing. What only a caller that lost count can send (releasing a
// server that nobody holds, two waits under one id) breaks a TG_CHECK. Instants may step back by
// the difference of two workers' turns; the pool's own time does not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hold.h"
#include "base/reason.h"
#include "base/setback.h"
#include "base/slot_map.h"
#include "base/time.h"

namespace tidegate::pool {

struct RouteTag;
using RouteId = Handle<RouteTag>;
struct ServerTag;
using ServerId = Handle<ServerTag>;
// Who waits; chosen by the caller, unique among those waiting or holding. Names worker and client.
using WaiterId = std::uint64_t;
using WorkerIndex = std::uint16_t;
struct UpstreamLimits {
  int budget = 20;  // server connections over all routes, hard
  // Server logins under way at once, over all routes.
  int opening_max = 8;
  // First wait after a failed connect or login, doubled up to the cap; one attempt at a time then.
  Duration retry_first{100ms};
  Duration retry_max{15s};
  // A waiter on the server's own worker may overtake at most this many others, and none that has
  // waited longer than overtake_wait_max.
  int overtake_max = 8;
  Duration overtake_wait_max{2ms};
  // Hysteresis of fair sharing: between routes with nearly equal shares a server moves only after
  // it has stayed this long (see fair_share.h).
  Duration evict_after{1s};
  bool operator==(const UpstreamLimits&) const = default;
};

struct RouteLimits {
  int pool_size = 20;
  int max_overflow = 0;        // extra servers while clients wait; closed when idle
  int min_idle = 0;            // kept open although nobody asks; 0 lets the database sleep
  int queue_max = 10000;       // clients that wait for a server that others have
  Duration pool_timeout{30s};  // longest wait for a server; 0 = no limit
  Duration recycle{3600s};     // age at which an idle server is replaced; 0 = never
  int recycle_jitter_percent = 10;
  Duration idle_timeout{600s};  // 0 = never
  bool pre_ping = true;         // ask `assign` to verify a server idle for longer than ping_after
  Duration ping_after{30s};
  Duration ping_timeout{2s};   // for the proxy, which asks
  int pins_max = 0;            // servers that pins may hold; 0 = see sizing.h
  bool shed = true;            // CoDel under sustained overload
  Duration shed_target{};      // CoDel: a standing queue older than this (0: see sizing.h) ...
  Duration shed_interval{5s};  // ... for this long is overload
  bool lifo = true;            // reuse the server used last; false = in turn (tests, round robin)
  bool operator==(const RouteLimits&) const = default;
};

struct Want {
  RouteId route;
  WaiterId waiter = 0;
  // Of this wait among the waiter's, told back by the actions that end it: one that was on its way
  // when the waiter gave up must not be taken for the answer to its next wait.
  std::uint32_t number = 0;
  WorkerIndex worker = 0;
  FitTag fit = 0;
  HoldKind kind = HoldKind::transaction;
  std::uint8_t priority = 1;            // 0 goes first; beyond 3 counts as 3
  Instant deadline = Instant::never();  // the client's own, before pool_timeout
  // Its server died before it was used: it goes to the front of its priority, however full the
  // queue is, and has waited since then. (The server's end comes as server_closing as usual.)
  bool again = false;
  Instant since = {};  // read only with `again`
};

enum class ActionKind : std::uint8_t {
  open,    // connect and log in a server for `route` on `worker`; answer server_ready, or
           // server_failed and server_gone
  assign,  // give `server` to `waiter`; `verify` = check that it lives first
  close,   // close `server` for `reason`; answer server_gone when the database has closed its end
  refuse,  // tell `waiter` `reason`
};

struct Action {
  ActionKind kind;
  ServerId server;
  RouteId route;
  WaiterId waiter = 0;
  std::uint32_t number = 0;  // of the wait that it ends
  WorkerIndex worker = 0;    // assign: the waiter's; open: where; close: the server's home
  WorkerIndex home = 0;      // assign: where the server is now (it moves when it differs)
  bool verify = false;
  Reason reason = Reason::none;
  bool operator==(const Action&) const = default;
};
using Actions = std::vector<Action>;

// Counts of one route; idle + held + opening + closing is everything that counts.
struct RouteCounts {
  int opening = 0, idle = 0, held = 0, closing = 0;
  int held_by_kind[kHoldKinds] = {};
  int waiting = 0;
  Instant oldest_wait = Instant::never();  // when the longest waiter began to wait
  bool operator==(const RouteCounts&) const = default;
};

// Since start, for the statistics. refused includes shed; overtaken counts the waiters gone before.
struct PoolTotals {
  std::uint64_t assigned = 0, moved = 0, overtaken = 0, opened = 0, failed = 0, refused = 0,
                shed = 0, evicted = 0;
};

class Pool {
 public:
  explicit Pool(const UpstreamLimits& limits, std::uint64_t jitter_seed = 0);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // The servers of min_idle are opened by the next event or tick.
  RouteId add_route(const RouteLimits& limits);
  // Refuses its waiters, closes its servers; the id dies when the last server is gone.
  void remove_route(RouteId route, Instant now, Actions& out);
  // Forgets a route that nobody has anything of: no waiter, no server, no promise, not paused.
  // False when somebody does. Nothing follows from it for the others, so there is no action.
  bool is_unused(RouteId route) const;
  bool forget_route(RouteId route);
  void set_limits(const UpstreamLimits& limits, Instant now, Actions& out);
  void set_route_limits(RouteId route, const RouteLimits& limits, Instant now, Actions& out);
  // PAUSE: nobody is assigned, idle servers are closed as they come; waiters keep waiting.
  void pause(RouteId route, bool paused, Instant now, Actions& out);
  // RECONNECT: every server of the route is closed when it comes back.
  void recycle_all(RouteId route, Instant now, Actions& out);

  // Clients.
  void client_wants(const Want& want, Instant now, Actions& out);
  // Gives up waiting. Also right when the assignment is already on its way: the caller answers
  // the `assign` it gets with server_released. Not for holders: they release.
  void client_gone(WaiterId waiter, Instant now, Actions& out);

  // Servers. `server` comes from an `open` action. `fit` is what it carries now.
  void server_ready(ServerId server, FitTag fit, Instant now, Actions& out);
  // Connecting or logging in failed; it counts until server_gone(). A lasting setback is told at
  // once to whoever waits and has no other server of its route, and no other login under way, to
  // wait for, and to whoever comes before the next attempt is due; the first who comes later sets
  // that off. A passing one, or one of a single host, is tried again for as long as somebody waits.
  void server_failed(ServerId server, Reason reason, Setback setback, Instant now, Actions& out);
  // A holder is done. `fit` is what the server carries now.
  void server_released(ServerId server, FitTag fit, Instant now, Actions& out);
  // The kind of hold changed (a transaction became a pin). False when a limit forbids it; the
  // kind then stays as it was.
  bool hold_changed(ServerId server, HoldKind kind, Instant now, Actions& out);
  // An assigned server turned out dead before the client's bytes reached it: the waiter goes back
  // to the front of the queue with its old waiting time; the server is gone. `alive_waiter` =
  // false when the client left meanwhile.
  void assign_failed(ServerId server, bool waiter_alive, Instant now, Actions& out);
  // A server that was assigned to be verified first does not answer, and will be closed: what was
  // idle for as long is gone in the same way (a firewall forgot the connections), and is closed too
  // rather than tried one after the other.
  void server_silent(ServerId server, Instant now, Actions& out);
  // The holder's server must not be used again, or an idle server was seen dying; the caller is
  // closing it. It counts until server_gone().
  void server_closing(ServerId server, Instant now, Actions& out);
  // The database closed its end (or the bounded wait for that is over).
  void server_gone(ServerId server, Instant now, Actions& out);

  // Time passes: deadlines, idle_timeout, recycle, retries, CoDel.
  void tick(Instant now, Actions& out);
  Instant next_deadline() const;

  RouteCounts counts(RouteId route) const;
  // Of the idle ones, those that would be verified if they were assigned at `now`.
  int idle_to_be_checked(RouteId route, Instant now) const;
  int total_servers() const;
  const PoolTotals& totals() const;
  const UpstreamLimits& limits() const;
  // For "why is this client waiting": everything that TG_CHECKs its own books.
  void check_invariants() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidegate::pool
