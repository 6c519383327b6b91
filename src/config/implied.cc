#include "config/implied.h"

#include <algorithm>

namespace tidegate::config {

Route implied_route(const Upstream& upstream, Route sizes) {
  auto route = std::move(sizes);
  route.upstream = upstream.name;
  // PostgreSQL's rule: no database means the one named like the user.
  route.database = upstream.database.empty() ? upstream.user : upstream.database;
  if (route.database.empty()) route.database = "*";
  return route;
}

std::optional<User> implied_user(const Upstream& upstream) {
  if (upstream.user.empty() || upstream.password.empty()) return std::nullopt;
  return User{.name = upstream.user, .secret = upstream.password};
}

void raise_budget(Upstream& upstream, const pool::RouteLimits& limits) {
  upstream.limits.budget = std::max(upstream.limits.budget, limits.pool_size + limits.max_overflow);
}

}  // namespace tidegate::config
