#include "proxy/route.h"

#include <utility>

namespace tidegate::proxy {

Route::Route(std::string database, const config::Route& spec, Upstream& upstream,
             session::ServerRules server_rules, std::size_t workers,
             std::shared_ptr<Gauge> database_clients)
    : database_(std::move(database)),
      spec_(spec),
      upstream_(upstream),
      server_rules_(std::move(server_rules)),
      id_(upstream.with_pool([&](pool::Pool& pool) { return pool.add_route(spec.limits); })),
      traffic_(workers),
      database_clients_(std::move(database_clients)),
      refusing_hosts_(upstream.spec().hosts.size()) {}

void Route::end_period(std::size_t worker, bool idle) {
  auto& [now, last] = traffic_[worker];
  last.begin = idle ? now : last.end;
  last.end = now;
}

void Route::note_failure(const session::Failure& failure, Instant at) {
  last_failure_.set(failure, at);
  const bool is_own =
      failure.setback == Setback::of_route || failure.setback == Setback::passing_of_route;
  if (!is_own) upstream_.last_failure().set(failure, at);
}

Crowd Route::crowd() const {
  return upstream_.with_pool([this](pool::Pool& pool) {
    return Crowd{.counts = pool.counts(id_),
                 .limits = spec_.limits,
                 .servers = pool.total_servers(),
                 .budget = pool.limits().budget};
  });
}

session::Failure Route::explain(Reason reason) const {
  if (is_of_a_crowd(reason)) return describe(reason, crowd());
  return proxy::explain(reason, last_failure_, upstream_.last_failure());
}

session::SnapshotRef Route::snapshot() const {
  const std::scoped_lock hold(snapshot_lock_);
  return snapshot_;
}

void Route::publish_snapshot(session::SnapshotRef snapshot) {
  const std::scoped_lock hold(snapshot_lock_);
  snapshot_ = std::move(snapshot);
}

}  // namespace tidegate::proxy
