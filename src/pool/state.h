// The inside of a Pool: its books, and the steps from which the events are made. One event is
// handled in three strides: the books change, the servers and clients concerned find each other
// (admit, offer), and settle() opens or evicts what the new situation calls for. After it
//   - no client waits while its route has an idle server and is not paused;
//   - a route in need lacks only what a limit, the budget or a backoff denies it.
// The files beside this one each hold one group of these steps.
#pragma once

#include <algorithm>
#include <optional>

#include "pool/pool.h"
#include "pool/route.h"
#include "pool/waiter_index.h"

namespace tidegate::pool {

struct Pool::State {
  State(const UpstreamLimits& upstream_limits, std::uint64_t jitter_seed)
      : limits(upstream_limits), seed(jitter_seed), total_allowed(upstream_limits.budget) {}

  // Workers read their clocks once per turn, so events may come with instants slightly out of
  // order; the pool's own time never goes back.
  void advance(Instant now) { clock = std::max(clock, now); }

  // clients.cc: who asks, who waits, who is told no
  void client_wants(const Want& want, Actions& out);
  void client_gone(WaiterId id);
  Reason reason_to_refuse(const Want& want, const Route* route) const;
  bool may_pin(const Route& route) const;
  void count_hold(Route& route, HoldKind kind, int change);
  void refuse_beyond_the_queue(const Want& want, Route& route, Actions& out);
  int waiting_for_others(const Route& route) const;
  void admit(const Ticket& ticket, Route& route, Actions& out);
  void enqueue(const Ticket& ticket, Route& route);
  Ticket dequeue(Waiter& waiter);
  void refuse(Waiter& waiter, Reason reason, Actions& out);
  void refuse(const Want& want, Reason reason, Actions& out);
  void refuse_all(Route& route, Reason reason, Actions& out);
  void shed(Route& route, Actions& out);
  void expire_waiters(Actions& out);
  Reason reason_of_timeout(const Route& route) const;
  Reason lasting_trouble(const Route& route) const;
  void refuse_the_hopeless(Route& route, Actions& out);

  // servers.cc: what the events about servers do
  void server_ready(Server& server, FitTag fit, Actions& out);
  void server_failed(Server& server, Reason reason, Setback setback, Actions& out);
  void book_setback(Route& route, Reason reason, Setback setback);
  bool hold_changed(Server& server, HoldKind kind);
  void assign_failed(Server& server, bool waiter_alive, Actions& out);
  void offer(Server& server, Actions& out);
  void assign(Server& server, const Ticket& ticket, Actions& out);
  Reason reason_to_close(const Server& server) const;

  // states.cc: a server goes from state to state, and every count with it
  void move_to(Server& server, ServerState state);
  void leave_state(Server& server);
  void enter_state(Server& server, ServerState state);
  void close(Server& server, Reason reason, Actions& out);
  void start_closing(Server& server);
  void promise_place(Server& server);
  void withdraw_promise(Server& server);
  void remove(Server& server);
  void remove_route_if_empty(Route& route);

  // growth.cc: what is opened, and what is evicted for it
  void settle(Actions& out);
  void open(Route& route, Actions& out);
  void refresh(Route& route);  // after any change to what the route needs
  std::optional<Need> need_of(const Route& route) const;
  Instant alarm_of(const Route& route) const;
  bool may_connect() const;
  bool may_evict() const;
  Server* victim() const;
  bool must_hand_over(const Server& server) const;
  Instant next_growth_at() const;

  // idle_time.cc: servers that nobody uses grow old
  void expire_idle(Actions& out);
  Instant expires_at(const Server& server) const;
  void watch_idle(const Server& server);
  void set_recycle_time(Server& server);
  void shed_surplus(Route& route, Actions& out);
  void shed_surplus(Actions& out);
  void close_idle(Route& route, Reason reason, Actions& out);
  void close_suspects(Route& route, Actions& out);
  void close_opening(Route& route, Reason reason, Actions& out);

  // invariants.cc
  void check_servers();
  void check_route(const Route& route);
  void check_waiters();
  void check_settled();

  int budget() const;

  UpstreamLimits limits;
  std::uint64_t seed;
  Instant clock{INT64_MIN};

  SlotMap<Route, RouteTag> routes;
  SlotMap<Server, ServerTag> servers;
  SlotMap<Waiter> waiters;
  WaiterIndex waiter_by_id;
  IntrusiveList<Server, &Server::by_age> idle;      // of all routes, the longest idle at the back
  IntrusiveList<Server, &Server::by_age> promises;  // closing ones with an heir, in that order
  IndexedHeap<Waiter, DeadlineKey, &Waiter::deadline_position> deadlines;
  IndexedHeap<Route, Need, &Route::need_position> needs;
  IndexedHeap<Route, Instant, &Route::alarm_position> alarms;

  Backoff failures;  // connects that failed; the whole upstream waits
  Reason failure = Reason::none;
  bool failure_lasts = false;  // the last of them was of_upstream
  int total = 0;               // opening + idle + held + closing
  int opening = 0;
  int closing = 0;
  int pinned = 0;     // pins of all routes, held and waiting
  int listening = 0;  // listeners, likewise
  int total_allowed;  // the budget; above it only while a cut of the budget is carried out
  // No idle server expires before that; possibly too early, never too late.
  Instant idle_check_at = Instant::never();
  std::uint64_t number_last = 0;
  PoolTotals totals;
};

}  // namespace tidegate::pool
