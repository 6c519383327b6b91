#include "pool/sizing.h"

#include <algorithm>

namespace tidegate::pool {

int servers_max(const RouteLimits& limits, bool clients_wait) {
  return limits.pool_size + (clients_wait ? limits.max_overflow : 0);
}

int pins_max(const RouteLimits& limits) {
  return limits.pins_max > 0 ? limits.pins_max : std::max(1, limits.pool_size - 1);
}

int pins_max(const UpstreamLimits& limits) {
  return std::max(1, limits.budget - 1);
}

Duration shed_target(const RouteLimits& limits) {
  return limits.shed_target > Duration{0} ? limits.shed_target : limits.pool_timeout / 4;
}

bool may_pin(const RouteLimits& route, const UpstreamLimits& upstream, const PinLoad& load) {
  const bool written_down = route.pins_max > 0;
  return load.route < pins_max(route) && (written_down || load.upstream < pins_max(upstream));
}

int servers_missing(const RouteLimits& limits, const RouteLoad& load) {
  const int room = servers_max(limits, true) - load.size;
  return std::max(0, std::min(load.waiting - load.coming, room));
}

int spares_missing(const RouteLimits& limits, const RouteLoad& load) {
  const int ready = load.idle + std::max(0, load.coming - load.waiting);
  const int room = servers_max(limits, false) - load.size;
  return std::max(0, std::min(limits.min_idle - ready, room));
}

}  // namespace tidegate::pool
