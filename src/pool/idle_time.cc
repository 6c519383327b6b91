// Idle time: servers that nobody uses are closed when they are too many, too long idle or too old.
#include "pool/chance.h"
#include "pool/state.h"

namespace tidegate::pool {

// Jitter only shortens a life: pool_recycle is set below the time at which a firewall or a
// database cuts a connection.
void Pool::State::set_recycle_time(Server& server) {
  const RouteLimits& route = server.route->limits;
  const auto chance = scramble(seed ^ scramble(server.id.packed()));
  server.recycle_at =
      route.recycle > Duration{0}
          ? server.ready_at + shortened(route.recycle, route.recycle_jitter_percent, chance)
          : Instant::never();
}

Instant Pool::State::expires_at(const Server& server) const {
  const Route& route = *server.route;
  const bool may_time_out =
      route.limits.idle_timeout > Duration{0} && route.idle.size() > route.limits.min_idle;
  if (!may_time_out) return server.recycle_at;
  return std::min(server.recycle_at, server.idle_since + route.limits.idle_timeout);
}

// A server has become idle: it may expire, and its being there may free an older one from being
// kept by min_idle.
void Pool::State::watch_idle(const Server& server) {
  const Server& oldest = *server.route->idle.longest_idle();
  idle_check_at = std::min({idle_check_at, expires_at(server), expires_at(oldest)});
}

void Pool::State::expire_idle(Actions& out) {
  if (idle_check_at > clock) return;
  Instant next_check = Instant::never();
  Server* previous = nullptr;
  for (Server* server = idle.back(); server != nullptr; server = previous) {
    previous = idle.previous(*server);
    const Instant expiry = expires_at(*server);
    if (expiry > clock) {
      next_check = std::min(next_check, expiry);
    } else {
      const bool too_old = server->recycle_at <= clock;
      close(*server, too_old ? Reason::lifetime_over : Reason::idle_timeout, out);
    }
  }
  idle_check_at = next_check;
}

void Pool::State::close_idle(Route& route, Reason reason, Actions& out) {
  while (Server* server = route.idle.longest_idle()) close(*server, reason, out);
}

void Pool::State::close_suspects(Route& route, Actions& out) {
  Server* server = route.idle.longest_idle();
  while (server != nullptr && is_suspect(*server, clock)) {
    close(*server, Reason::unclean, out);
    server = route.idle.longest_idle();
  }
  route.server_died_at = clock;
  refresh(route);
}

void Pool::State::close_opening(Route& route, Reason reason, Actions& out) {
  servers.for_each([&](ServerId, Server& server) {
    const bool is_opening = server.state == ServerState::opening;
    if (server.route == &route && is_opening) close(server, reason, out);
  });
}

void Pool::State::shed_surplus(Route& route, Actions& out) {
  const int allowed = servers_max(route.limits, !route.queue.empty());
  while (route.live() - route.listens > allowed && route.idle.size() > 0) {
    close(*route.idle.longest_idle(), Reason::surplus, out);
  }
}

void Pool::State::shed_surplus(Actions& out) {
  while (total - closing > budget() && !idle.empty()) close(*idle.back(), Reason::surplus, out);
}

}  // namespace tidegate::pool
