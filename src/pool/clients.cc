// Clients: who asks, who waits, who is told no and why.
#include <algorithm>

#include "base/check.h"
#include "base/planted.h"
#include "pool/state.h"

namespace tidegate::pool {
namespace {

// The number of a waiter that comes back to the front; no newcomer has it.
constexpr std::uint64_t kBeforeAll = 0;

}  // namespace

void Pool::State::client_wants(const Want& want, Actions& out) {
  Route* const route = routes.find(want.route);
  if (const Reason reason = reason_to_refuse(want, route); reason != Reason::none) {
    return refuse(want, reason, out);
  }
  TG_CHECK(planted(Planted::waiter_served_twice_after_gone) ||
           waiter_by_id.find(want.waiter) == nullptr);
  Ticket ticket{.want = want, .since = clock, .number = number_last + 1};
  if (want.again) {
    ticket.since = want.since;
    ticket.number = kBeforeAll;
  } else {
    ++number_last;
  }
  if (route->limits.pool_timeout > Duration{0}) {
    ticket.want.deadline = std::min(want.deadline, ticket.since + route->limits.pool_timeout);
  }
  if (ticket.want.deadline <= clock) return refuse(want, reason_of_timeout(*route), out);
  route->worker_last = want.worker;
  const bool crowded = !want.again && route->queue.size() >= route->limits.queue_max;
  admit(ticket, *route, out);
  refresh(*route);
  settle(out);
  if (crowded) refuse_beyond_the_queue(want, *route, out);
}

// Asked when what can be opened, or evicted, for the newcomer has been.
void Pool::State::refuse_beyond_the_queue(const Want& want, Route& route, Actions& out) {
  if (waiting_for_others(route) <= route.limits.queue_max) return;
  Waiter* const waiter = waiter_by_id.find(want.waiter);
  if (waiter == nullptr) return;
  refuse(*waiter, Reason::queue_full, out);
  refresh(route);
  settle(out);
}

// Waiters that no server is opening for, nor promised, nor to be opened as soon as there are fewer
// logins under way: they wait for what others hold.
int Pool::State::waiting_for_others(const Route& route) const {
  if (route.paused) return route.queue.size();
  const RouteLoad load = route.load();
  const bool troubled = failures.troubled() || route.refusals.troubled();
  const int room = troubled ? 0 : std::min(servers_missing(route.limits, load), budget() - total);
  return load.waiting - load.coming - std::max(0, room);
}

Reason Pool::State::reason_to_refuse(const Want& want, const Route* route) const {
  if (route == nullptr || route->removed) return Reason::route_removed;
  if (want.deadline <= clock) return reason_of_timeout(*route);
  if (const Reason reason = lasting_trouble(*route); reason != Reason::none) return reason;
  if (want.kind == HoldKind::listen) {
    return pinned + listening < pins_max(limits) ? Reason::none : Reason::pins_full;
  }
  return want.kind == HoldKind::pin && !may_pin(*route) ? Reason::pins_full : Reason::none;
}

bool Pool::State::may_pin(const Route& route) const {
  return pool::may_pin(route.limits, limits, {.route = route.pins, .upstream = pinned + listening});
}

// What stays with whoever has it. A listener takes no place in its route, which it does not serve.
void Pool::State::count_hold(Route& route, HoldKind kind, int change) {
  if (kind == HoldKind::pin) {
    route.pins += change;
    pinned += change;
  } else if (kind == HoldKind::listen) {
    route.listens += change;
    listening += change;
  }
}

void Pool::State::admit(const Ticket& ticket, Route& route, Actions& out) {
  Server* const server = route.paused ? nullptr : route.idle.choose(ticket.want, route.limits.lifo);
  server != nullptr ? assign(*server, ticket, out) : enqueue(ticket, route);
}

void Pool::State::client_gone(WaiterId id) {
  Waiter* const waiter = waiter_by_id.find(id);
  if (waiter == nullptr) return;
  if (planted(Planted::waiter_served_twice_after_gone)) return;
  Route& route = *waiter->route;
  dequeue(*waiter);
  refresh(route);
}

void Pool::State::enqueue(const Ticket& ticket, Route& route) {
  const auto slot = waiters.emplace();
  Waiter& waiter = *waiters.find(slot);
  waiter.ticket = ticket;
  waiter.route = &route;
  waiter.slot = slot;
  waiter_by_id.insert(waiter);
  route.queue.push(waiter);
  count_hold(route, ticket.want.kind, +1);
  if (!ticket.want.deadline.is_never()) {
    deadlines.put(waiter, {ticket.want.deadline, ticket.number});
  }
}

Ticket Pool::State::dequeue(Waiter& waiter) {
  const Ticket ticket = waiter.ticket;
  deadlines.remove(waiter);
  waiter_by_id.erase(ticket.want.waiter);
  waiter.route->queue.remove(waiter);
  count_hold(*waiter.route, ticket.want.kind, -1);
  waiters.erase(waiter.slot);
  return ticket;
}

void Pool::State::refuse(Waiter& waiter, Reason reason, Actions& out) {
  refuse(dequeue(waiter).want, reason, out);
}

void Pool::State::refuse(const Want& want, Reason reason, Actions& out) {
  ++totals.refused;
  out.push_back({.kind = ActionKind::refuse,
                 .route = want.route,
                 .waiter = want.waiter,
                 .number = want.number,
                 .worker = want.worker,
                 .reason = reason});
}

void Pool::State::refuse_all(Route& route, Reason reason, Actions& out) {
  while (Waiter* waiter = route.queue.front()) refuse(*waiter, reason, out);
}

void Pool::State::shed(Route& route, Actions& out) {
  while (Waiter* waiter = route.queue.overdue(clock, route.limits)) {
    ++totals.shed;
    refuse(*waiter, Reason::overload_shed, out);
  }
}

void Pool::State::expire_waiters(Actions& out) {
  while (!deadlines.empty() && deadlines.top_key().at <= clock) {
    Waiter& waiter = *deadlines.top();
    Route& route = *waiter.route;
    refuse(waiter, reason_of_timeout(route), out);
    refresh(route);
  }
}

// Why the route's next server will not come soon either, when it has none left to wait for and no
// login under way. Until the next attempt is due this is what is known, and nobody is made to wait
// for the same answer.
Reason Pool::State::lasting_trouble(const Route& route) const {
  if (route.hopeful()) return Reason::none;
  if (route.refusal_lasts && route.refusals.resting(clock)) return route.refusal;
  return failure_lasts && failures.resting(clock) ? failure : Reason::none;
}

void Pool::State::refuse_the_hopeless(Route& route, Actions& out) {
  const Reason reason = lasting_trouble(route);
  if (reason == Reason::none || route.queue.empty()) return;
  refuse_all(route, reason, out);
  refresh(route);
}

// "The pool is too small" would be a lie to a client that waited for a database that is down.
Reason Pool::State::reason_of_timeout(const Route& route) const {
  if (route.reachable()) return Reason::pool_timeout;
  if (route.refusals.troubled()) return route.refusal;
  if (failures.troubled()) return failure;
  return route.opening > 0 ? Reason::connect_timeout : Reason::pool_timeout;
}

}  // namespace tidegate::pool
