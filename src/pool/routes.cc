// Routes and limits: what an operator or a reload changes while clients are served.
#include "pool/state.h"

namespace tidegate::pool {

RouteId Pool::add_route(const RouteLimits& limits) {
  const RouteId id = state_->routes.emplace();
  Route& route = *state_->routes.find(id);
  route.id = id;
  route.limits = limits;
  state_->refresh(route);
  return id;
}

void Pool::remove_route(RouteId id, Instant now, Actions& out) {
  State& state = *state_;
  state.advance(now);
  Route* const route = state.routes.find(id);
  if (route == nullptr || route->removed) return;
  route->removed = true;
  state.refuse_all(*route, Reason::route_removed, out);
  state.close_idle(*route, Reason::route_removed, out);
  state.close_opening(*route, Reason::route_removed, out);
  state.refresh(*route);
  state.remove_route_if_empty(*route);
  state.settle(out);
}

bool Pool::is_unused(RouteId id) const {
  const Route* const route = state_->routes.find(id);
  return route != nullptr && route->unused();
}

bool Pool::forget_route(RouteId id) {
  if (!is_unused(id)) return false;
  Route& route = *state_->routes.find(id);
  state_->needs.remove(route);
  state_->alarms.remove(route);
  state_->routes.erase(id);
  return true;
}

void Pool::set_limits(const UpstreamLimits& limits, Instant now, Actions& out) {
  State& state = *state_;
  state.advance(now);
  state.limits = limits;
  state.total_allowed = std::max(state.budget(), state.total);
  state.shed_surplus(out);
  state.settle(out);
}

void Pool::set_route_limits(RouteId id, const RouteLimits& limits, Instant now, Actions& out) {
  State& state = *state_;
  state.advance(now);
  Route* const route = state.routes.find(id);
  if (route == nullptr) return;
  route->limits = limits;
  state.servers.for_each([&](ServerId, Server& server) {
    const bool was_ready = server.state == ServerState::idle || server.state == ServerState::held;
    if (server.route == route && was_ready) state.set_recycle_time(server);
  });
  state.shed_surplus(*route, out);
  state.idle_check_at = state.clock;
  state.expire_idle(out);
  state.refresh(*route);
  state.settle(out);
}

void Pool::pause(RouteId id, bool paused, Instant now, Actions& out) {
  State& state = *state_;
  state.advance(now);
  Route* const route = state.routes.find(id);
  if (route == nullptr) return;
  route->paused = paused;
  if (paused) state.close_idle(*route, Reason::admin_close, out);
  state.refresh(*route);
  state.settle(out);
}

void Pool::recycle_all(RouteId id, Instant now, Actions& out) {
  State& state = *state_;
  state.advance(now);
  Route* const route = state.routes.find(id);
  if (route == nullptr) return;
  ++route->epoch;
  // The operator says that something has changed: no need to wait out old failures.
  route->refusals.succeeded();
  state.failures.succeeded();
  state.close_idle(*route, Reason::admin_close, out);
  state.refresh(*route);
  state.settle(out);
}

}  // namespace tidegate::pool
