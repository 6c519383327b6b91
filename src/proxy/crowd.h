// Why a client did not get a server in time, in numbers: who has the route's servers, how many
// wait, and whether the budget stands in the way rather than the route's own size. "The pool is too
// small" alone sends its reader to a console that has changed by then.
#pragma once

#include "pool/pool.h"
#include "session/failure.h"

namespace tidegate::proxy {

struct Crowd {
  pool::RouteCounts counts;
  pool::RouteLimits limits;
  int servers = 0;  // of the upstream, over all its routes
  int budget = 0;
};

// Whether a refusal for this reason is explained by the numbers.
bool is_of_a_crowd(Reason reason);
session::Failure describe(Reason reason, const Crowd& crowd);

}  // namespace tidegate::proxy
