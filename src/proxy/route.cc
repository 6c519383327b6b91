#include "proxy/route.h"

#include <utility>

namespace tidegate::proxy {

Route::Route(std::string database, const config::Route& spec, Upstream& upstream,
             session::ServerRules server_rules, std::size_t workers)
    : database_(std::move(database)),
      spec_(spec),
      upstream_(upstream),
      server_rules_(std::move(server_rules)),
      id_(upstream.with_pool([&](pool::Pool& pool) { return pool.add_route(spec.limits); })),
      traffic_(workers) {}

session::SnapshotRef Route::snapshot() const {
  const std::scoped_lock hold(snapshot_lock_);
  return snapshot_;
}

void Route::publish_snapshot(session::SnapshotRef snapshot) {
  const std::scoped_lock hold(snapshot_lock_);
  snapshot_ = std::move(snapshot);
}

}  // namespace tidegate::proxy
