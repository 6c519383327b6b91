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
#include "proxy/upstream.h"
#include "session/conversation.h"

namespace tidegate::proxy {

class Route {
 public:
  Route(std::string database, const config::Route& spec, Upstream& upstream,
        session::ServerRules server_rules, std::size_t workers);

  const std::string& database() const { return database_; }
  const std::string& user() const { return server_rules_.user; }
  const config::Route& spec() const { return spec_; }
  Upstream& upstream() const { return upstream_; }
  pool::RouteId id() const { return id_; }
  const session::ServerRules& server_rules() const { return server_rules_; }

  session::SnapshotRef snapshot() const;
  void publish_snapshot(session::SnapshotRef snapshot);

  // Written by that worker alone.
  session::Traffic& traffic(std::size_t worker) { return traffic_[worker].counters; }
  Gauge& clients() { return clients_; }

 private:
  struct alignas(64) OwnLine {
    session::Traffic counters;
  };

  std::string database_;
  config::Route spec_;
  Upstream& upstream_;
  session::ServerRules server_rules_;
  pool::RouteId id_;
  std::vector<OwnLine> traffic_;
  Gauge clients_;
  mutable std::mutex snapshot_lock_;
  session::SnapshotRef snapshot_;
};

}  // namespace tidegate::proxy
