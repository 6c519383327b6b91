// The last time a server could not be had, kept so that clients hear more than a reason. Written by
// whichever worker's server failed, read by whichever worker's clients are refused.
#pragma once

#include <mutex>
#include <optional>

#include "base/time.h"
#include "session/failure.h"

namespace tidegate::proxy {

struct DatedFailure {
  session::Failure failure;
  Instant at;
};

class LastFailure {
 public:
  void set(const session::Failure& failure, Instant at);
  // Null when the last failure had another reason.
  std::optional<DatedFailure> find(Reason reason) const;

 private:
  mutable std::mutex lock_;
  DatedFailure last_;
};

// What a client of a route is told about `reason`: by the route's own last failure, or the
// upstream's if that is later. What the database said to another route may name that one's user and
// database, so it is left out; its code stays.
session::Failure explain(Reason reason, const LastFailure& of_route,
                         const LastFailure& of_upstream);

}  // namespace tidegate::proxy
