// Servers: what becomes of one that is ready, released, broken or not to be had.
#include "base/check.h"
#include "base/planted.h"
#include "pool/state.h"

namespace tidegate::pool {

void Pool::State::server_ready(Server& server, FitTag fit, Actions& out) {
  if (server.state == ServerState::closing) return;
  TG_CHECK(server.state == ServerState::opening);
  Route& route = *server.route;
  failures.succeeded();
  route.refusals.succeeded();
  server.fit = fit;
  server.ready_at = clock;
  set_recycle_time(server);
  offer(server, out);
}

void Pool::State::server_failed(Server& server, Reason reason, Setback setback, Actions& out) {
  if (server.state == ServerState::closing) return;
  TG_CHECK(server.state == ServerState::opening);
  Route& route = *server.route;
  ++totals.failed;
  book_setback(route, reason, setback);
  move_to(server, ServerState::closing);  // who waits may hope for the others, not for this one
  if (setback == Setback::of_upstream) {
    routes.for_each([&](RouteId, Route& each) { refuse_the_hopeless(each, out); });
  } else {
    refuse_the_hopeless(route, out);
  }
  if (planted(Planted::lost_wakeup)) ++route.promised;
  promise_place(server);
}

void Pool::State::book_setback(Route& route, Reason reason, Setback setback) {
  if (setback == Setback::of_route || setback == Setback::passing_of_route) {
    // The database answered: it can be reached, and other routes may do better.
    failures.succeeded();
    route.refusals.failed(clock, limits.retry_first, limits.retry_max, seed);
    route.refusal = reason;
    route.refusal_lasts = setback == Setback::of_route;
  } else {
    failures.failed(clock, limits.retry_first, limits.retry_max, seed);
    failure = reason;
    failure_lasts = setback == Setback::of_upstream;
  }
}

bool Pool::State::hold_changed(Server& server, HoldKind kind) {
  TG_CHECK(server.state == ServerState::held);
  Route& route = *server.route;
  const bool new_pin = kind == HoldKind::pin && server.ticket.want.kind != HoldKind::pin;
  if (new_pin && !may_pin(route)) return false;
  leave_state(server);
  server.ticket.want.kind = kind;
  enter_state(server, ServerState::held);
  refresh(route);
  return true;
}

void Pool::State::assign_failed(Server& server, bool waiter_alive, Actions& out) {
  TG_CHECK(server.state == ServerState::held);
  Route& route = *server.route;
  const Ticket ticket = server.ticket;
  route.server_died_at = clock;
  const bool too_late = route.removed || ticket.want.deadline <= clock;
  if (waiter_alive && too_late) {
    const Reason reason = route.removed ? Reason::route_removed : reason_of_timeout(route);
    refuse(ticket.want, reason, out);
  }
  remove(server);
  if (!waiter_alive || too_late) return;
  admit(ticket, route, out);
  refresh(route);
}

// A server is free: its own route's next client gets it, unless it has to go or another route has
// the better claim.
void Pool::State::offer(Server& server, Actions& out) {
  Route& route = *server.route;
  if (const Reason reason = reason_to_close(server); reason != Reason::none) {
    return close(server, reason, out);
  }
  shed(route, out);
  if (route.queue.empty()) {
    move_to(server, ServerState::idle);
  } else if (must_hand_over(server)) {
    close(server, Reason::evicted, out);
  } else {
    const auto [waiter, overtaken] = route.queue.next_for(server.home, clock, limits);
    totals.overtaken += static_cast<std::uint64_t>(overtaken);
    route.queue.served(waiter->ticket, clock, route.limits);
    assign(server, dequeue(*waiter), out);
  }
  refresh(route);
}

void Pool::State::assign(Server& server, const Ticket& ticket, Actions& out) {
  const Route& route = *server.route;
  const bool was_idle = server.state == ServerState::idle;
  out.push_back({.kind = ActionKind::assign,
                 .server = server.id,
                 .route = route.id,
                 .waiter = ticket.want.waiter,
                 .number = ticket.want.number,
                 .worker = ticket.want.worker,
                 .home = server.home,
                 .verify = was_idle && is_suspect(server, clock)});
  ++totals.assigned;
  if (server.home != ticket.want.worker) ++totals.moved;
  leave_state(server);
  server.home = ticket.want.worker;
  server.ticket = ticket;
  enter_state(server, ServerState::held);
}

Reason Pool::State::reason_to_close(const Server& server) const {
  const Route& route = *server.route;
  if (route.removed) return Reason::route_removed;
  if (route.paused || server.epoch != route.epoch) return Reason::admin_close;
  if (server.recycle_at <= clock) return Reason::lifetime_over;
  if (total - closing > budget()) return Reason::surplus;
  const int allowed = servers_max(route.limits, !route.queue.empty());
  if (route.live() - route.listens > allowed) return Reason::surplus;
  return Reason::none;
}

}  // namespace tidegate::pool
