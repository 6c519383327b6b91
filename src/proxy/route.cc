#include "proxy/route.h"

#include <utility>

namespace tidegate::proxy {
namespace {

// How long logins may be told what an idle server said last.
constexpr Duration kDoubtPeriod = std::chrono::seconds(1);

}  // namespace

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
      refusing_hosts_(upstream.spec().hosts.size()),
      hub_(upstream.hub(server_rules_.database)) {}

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

bool Route::replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) {
  const std::scoped_lock hold(snapshot_lock_);
  if (snapshot_ != former) return false;
  snapshot_ = std::move(next);
  return true;
}

bool Route::may_be_outdated(Instant now) {
  const auto counts = upstream_.with_pool([this](pool::Pool& pool) { return pool.counts(id_); });
  if (counts.idle + counts.held == 0) return true;
  const std::scoped_lock hold(snapshot_lock_);
  if (counts.idle == 0 || now - doubted_at_ < kDoubtPeriod) return false;
  doubted_at_ = now;
  return true;
}

}  // namespace tidegate::proxy
