// A route: the database as clients name it, and the user that its servers log in as. It is the unit
// of sizes and queues. Routes come to life when a client first asks for them and are shared by all
// workers.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pool/pool.h"
#include "proxy/census.h"
#include "proxy/crowd.h"
#include "proxy/hub.h"
#include "proxy/last_failure.h"
#include "proxy/refusing_hosts.h"
#include "proxy/upstream.h"
#include "session/conversation.h"

namespace tidegate::proxy {

class Route {
 public:
  Route(std::string database, const config::Route& spec, Upstream& upstream,
        session::ServerRules server_rules, std::size_t workers,
        std::shared_ptr<Gauge> database_clients);

  const std::string& database() const { return database_; }
  const std::string& user() const { return server_rules_.user; }
  const config::Route& spec() const { return spec_; }
  Upstream& upstream() const { return upstream_; }
  pool::RouteId id() const { return id_; }
  const session::ServerRules& server_rules() const { return server_rules_; }

  session::SnapshotRef snapshot() const;
  // See session::SnapshotPort.
  bool replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next);
  // See session::ClientPort. One login in a while is told so, for idle servers can be asked.
  bool may_be_outdated(Instant now);

  // Written, and read, by that worker alone.
  session::Traffic& traffic(std::size_t worker) { return traffic_[worker].now; }
  // What traffic() was when the last whole stats_period began, and when it ended.
  struct Period {
    session::Traffic begin, end;
  };
  const Period& last_period(std::size_t worker) const { return traffic_[worker].last; }
  // A period ended. `idle`: it saw no turn of the worker, so nothing happened in it.
  void end_period(std::size_t worker, bool idle);
  Gauge& clients() { return clients_; }
  // Of the database, whatever their users: what its clients_max counts. It outlives the route.
  Gauge& database_clients() { return *database_clients_; }

  // One of its servers could not be had; what its clients are told when they are refused for that.
  void note_failure(const session::Failure& failure, Instant at);
  session::Failure explain(Reason reason) const;
  // Who listens in its database, over all routes that lead there.
  Hub& hub() { return *hub_; }
  RefusingHosts& refusing_hosts() { return refusing_hosts_; }

 private:
  struct alignas(64) OwnLine {
    session::Traffic now;
    Period last;
  };

  Crowd crowd() const;

  std::string database_;
  config::Route spec_;
  Upstream& upstream_;
  session::ServerRules server_rules_;
  pool::RouteId id_;
  std::vector<OwnLine> traffic_;
  Gauge clients_;
  std::shared_ptr<Gauge> database_clients_;
  mutable std::mutex snapshot_lock_;
  session::SnapshotRef snapshot_;
  Instant doubted_at_;
  LastFailure last_failure_;
  RefusingHosts refusing_hosts_;
  std::shared_ptr<Hub> hub_;
};

}  // namespace tidegate::proxy
