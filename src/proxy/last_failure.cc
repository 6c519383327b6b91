#include "proxy/last_failure.h"

namespace tidegate::proxy {

void LastFailure::set(const session::Failure& failure, Instant at) {
  const std::scoped_lock hold(lock_);
  last_ = {failure, at};
}

std::optional<DatedFailure> LastFailure::find(Reason reason) const {
  const std::scoped_lock hold(lock_);
  if (last_.failure.reason != reason) return std::nullopt;
  return last_;
}

session::Failure explain(Reason reason, const LastFailure& of_route,
                         const LastFailure& of_upstream) {
  const auto own = of_route.find(reason);
  auto shared = of_upstream.find(reason);
  if (own && (!shared || own->at >= shared->at)) return own->failure;
  if (!shared) return {.reason = reason};
  if (!shared->failure.sqlstate.empty()) shared->failure.detail.clear();
  return shared->failure;
}

}  // namespace tidegate::proxy
