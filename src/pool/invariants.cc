// The books of the pool, checked against what they count. Slow: for tests, the simulator, and an
// operator who asks.
#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/planted.h"
#include "pool/state.h"

namespace tidegate::pool {
namespace {

struct Tally {
  int opening = 0, idle = 0, held = 0, closing = 0, promised = 0;
};

void count(Tally& tally, const Server& server) {
  tally.opening += server.state == ServerState::opening;
  tally.idle += server.state == ServerState::idle;
  tally.held += server.state == ServerState::held;
  tally.closing += server.state == ServerState::closing;
}

}  // namespace

void Pool::State::check_servers() {
  Tally tally;
  servers.for_each([&](ServerId id, const Server& server) {
    TG_CHECK(server.id == id);
    TG_CHECK(routes.find(server.route->id) == server.route);
    TG_CHECK(!server.promised_to || server.state == ServerState::closing);
    tally.promised += server.promised_to ? 1 : 0;
    count(tally, server);
  });
  TG_CHECK(tally.opening == opening && tally.closing == closing);
  TG_CHECK(tally.idle == idle.size() && tally.promised == promises.size());
  TG_CHECK(total == static_cast<int>(servers.size()));
  TG_CHECK(total <= total_allowed);
}

void Pool::State::check_route(const Route& route) {
  Tally tally;
  int kinds[kHoldKinds] = {};
  int pins = 0;
  int listens = 0;
  int promised_by_others = 0;
  servers.for_each([&](ServerId, const Server& server) {
    const bool promised = server.promised_to == route.id;
    tally.promised += promised;
    promised_by_others += promised && server.route != &route;
    if (server.route != &route) return;
    count(tally, server);
    if (server.state == ServerState::held) ++kinds[static_cast<int>(server.ticket.want.kind)];
  });
  waiters.for_each([&](WaiterSlot, const Waiter& waiter) {
    pins += waiter.route == &route && waiter.ticket.want.kind == HoldKind::pin;
    listens += waiter.route == &route && waiter.ticket.want.kind == HoldKind::listen;
  });
  TG_CHECK(tally.opening == route.opening && tally.idle == route.idle.size());
  TG_CHECK(tally.held == route.held && tally.closing == route.closing);
  TG_CHECK(tally.promised == route.promised || planted(Planted::lost_wakeup));
  TG_CHECK(promised_by_others == route.promised_by_others);
  TG_CHECK(std::equal(std::begin(kinds), std::end(kinds), std::begin(route.held_by_kind)));
  TG_CHECK(pins + kinds[static_cast<int>(HoldKind::pin)] == route.pins);
  TG_CHECK(listens + kinds[static_cast<int>(HoldKind::listen)] == route.listens);
  TG_CHECK(!route.removed || (route.queue.empty() && route.idle.size() == 0));
}

void Pool::State::check_waiters() {
  int queued = 0, pins = 0, listens = 0;
  routes.for_each([&](RouteId, const Route& route) {
    queued += route.queue.size();
    pins += route.pins;
    listens += route.listens;
  });
  TG_CHECK(pins == pinned && listens == listening);
  TG_CHECK(queued == static_cast<int>(waiters.size()));
  if (planted(Planted::waiter_served_twice_after_gone)) return;
  TG_CHECK(waiter_by_id.size() == waiters.size());
  int with_deadline = 0;
  waiters.for_each([&](WaiterSlot slot, const Waiter& waiter) {
    TG_CHECK(waiter.slot == slot && waiter_by_id.find(waiter.ticket.want.waiter) == &waiter);
    with_deadline += deadlines.contains(waiter);
  });
  TG_CHECK(with_deadline == deadlines.size());
}

void Pool::State::check_settled() {
  routes.for_each([&](RouteId, const Route& route) {
    TG_CHECK(route.queue.empty() || route.idle.size() == 0);
    TG_CHECK(!route.paused || route.idle.size() == 0);
    // A rest may have ended since the last event; the alarm for that is still to ring.
    const auto need = need_of(route);
    TG_CHECK(need.has_value() == needs.contains(route) || alarms.contains(route));
    if (!need || !needs.contains(route)) return;
    const Need& booked = needs.key(route);
    TG_CHECK(booked.kind == need->kind && booked.share == need->share);
  });
  TG_CHECK(needs.empty() || total >= budget() || !may_connect());
}

}  // namespace tidegate::pool
