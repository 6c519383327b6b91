// What a single URL implies: a route under the database's own name, and a user who logs in with
// the same password.
#pragma once

#include <optional>
#include <utility>

#include "config/config.h"

namespace tidegate::config {

// `sizes` carries the limits. A URL without a database (and without a user, whose name would be
// the database's) means every name.
Route implied_route(const Upstream& upstream, Route sizes);
// Nothing when the upstream has no user or no password: trust is never implied.
std::optional<User> implied_user(const Upstream& upstream);
// A pool size that was asked for can be reached when nobody wrote down a budget.
void raise_budget(Upstream& upstream, const pool::RouteLimits& limits);

}  // namespace tidegate::config
