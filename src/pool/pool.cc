// The events as the caller sees them. Each advances the pool's time, finds what the event is about,
// lets the step in State do the work, and settles.
#include "pool/pool.h"

#include "base/check.h"
#include "pool/state.h"

namespace tidegate::pool {

Pool::Pool(const UpstreamLimits& limits, std::uint64_t jitter_seed)
    : state_(std::make_unique<State>(limits, jitter_seed)) {}

Pool::~Pool() = default;

void Pool::client_wants(const Want& want, Instant now, Actions& out) {
  state_->advance(now);
  state_->client_wants(want, out);
}

void Pool::client_gone(WaiterId waiter, Instant now, Actions& out) {
  state_->advance(now);
  state_->client_gone(waiter);
  state_->settle(out);
}

void Pool::server_ready(ServerId id, FitTag fit, Instant now, Actions& out) {
  state_->advance(now);
  if (Server* server = state_->servers.find(id)) state_->server_ready(*server, fit, out);
  state_->settle(out);
}

void Pool::server_failed(ServerId id, Reason reason, Setback setback, Instant now, Actions& out) {
  state_->advance(now);
  if (Server* server = state_->servers.find(id)) {
    state_->server_failed(*server, reason, setback, out);
  }
  state_->settle(out);
}

void Pool::server_released(ServerId id, FitTag fit, Instant now, Actions& out) {
  state_->advance(now);
  Server* const server = state_->servers.find(id);
  if (server == nullptr) return;
  TG_CHECK(server->state == ServerState::held);
  server->fit = fit;
  state_->offer(*server, out);
  state_->settle(out);
}

bool Pool::hold_changed(ServerId id, HoldKind kind, Instant now, Actions& out) {
  state_->advance(now);
  Server* const server = state_->servers.find(id);
  if (server == nullptr) return false;
  const bool changed = state_->hold_changed(*server, kind);
  state_->settle(out);
  return changed;
}

void Pool::assign_failed(ServerId id, bool waiter_alive, Instant now, Actions& out) {
  state_->advance(now);
  if (Server* server = state_->servers.find(id)) state_->assign_failed(*server, waiter_alive, out);
  state_->settle(out);
}

void Pool::server_silent(ServerId id, Instant now, Actions& out) {
  state_->advance(now);
  if (Server* server = state_->servers.find(id)) state_->close_suspects(*server->route, out);
  state_->settle(out);
}

void Pool::server_closing(ServerId id, Instant now, Actions& out) {
  state_->advance(now);
  Server* const server = state_->servers.find(id);
  if (server == nullptr || server->state == ServerState::closing) return;
  if (server->state == ServerState::idle) server->route->server_died_at = state_->clock;
  state_->start_closing(*server);
  state_->refuse_the_hopeless(*server->route, out);
  state_->settle(out);
}

void Pool::server_gone(ServerId id, Instant now, Actions& out) {
  state_->advance(now);
  if (Server* server = state_->servers.find(id)) state_->remove(*server);
  state_->settle(out);
}

void Pool::tick(Instant now, Actions& out) {
  State& state = *state_;
  state.advance(now);
  state.expire_waiters(out);
  while (!state.alarms.empty() && state.alarms.top_key() <= state.clock) {
    Route& route = *state.alarms.top();
    state.shed(route, out);
    state.refresh(route);
  }
  state.expire_idle(out);
  state.settle(out);
}

Instant Pool::next_deadline() const {
  const State& state = *state_;
  Instant next = std::min(state.idle_check_at, state.next_growth_at());
  if (!state.deadlines.empty()) next = std::min(next, state.deadlines.top_key().at);
  if (!state.alarms.empty()) next = std::min(next, state.alarms.top_key());
  return next;
}

RouteCounts Pool::counts(RouteId id) const {
  const Route* const route = state_->routes.find(id);
  if (route == nullptr) return {};
  RouteCounts counts{.opening = route->opening,
                     .idle = route->idle.size(),
                     .held = route->held,
                     .closing = route->closing,
                     .waiting = route->queue.size(),
                     .oldest_wait = route->queue.oldest_since()};
  std::copy(std::begin(route->held_by_kind), std::end(route->held_by_kind), counts.held_by_kind);
  return counts;
}

int Pool::idle_to_be_checked(RouteId id, Instant now) const {
  const Route* const route = state_->routes.find(id);
  if (route == nullptr) return 0;
  int count = 0;
  state_->servers.for_each([&](ServerId, const Server& server) {
    const bool idle = server.route == route && server.state == ServerState::idle;
    count += idle && is_suspect(server, now);
  });
  return count;
}

int Pool::total_servers() const {
  return state_->total;
}
const PoolTotals& Pool::totals() const {
  return state_->totals;
}
const UpstreamLimits& Pool::limits() const {
  return state_->limits;
}

void Pool::check_invariants() const {
  state_->check_servers();
  state_->check_waiters();
  state_->check_settled();
  state_->routes.for_each([&](RouteId, const Route& route) { state_->check_route(route); });
}

}  // namespace tidegate::pool
