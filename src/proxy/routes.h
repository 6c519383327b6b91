// Finds the route for a client: configured name (or "*"), then the user whose servers it borrows.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/reason.h"
#include "config/config.h"
#include "proxy/route.h"

namespace tidegate::proxy {

class Routes {
 public:
  // Makes the upstreams and their TLS contexts; the error names the file that cannot be used.
  static std::expected<std::unique_ptr<Routes>, std::string> make(const config::Config& config,
                                                                  std::size_t workers,
                                                                  std::uint64_t jitter_seed);

  // The shared route for a client that proved to be `user`; unknown_database when none is
  // configured, routes_full when `*` may make no more. `password` is the user's own, used where the
  // configuration names no other.
  std::expected<std::shared_ptr<Route>, Reason> find(const std::string& database,
                                                     const std::string& user,
                                                     const std::string& password);

  // Forgets the routes that `*` has made, and that nobody has used for route_idle_timeout: no
  // client, no server. Who asks for one later gets a new one, with statistics that begin anew.
  void forget_idle(Instant now);

  // For the pool's actions, which name routes by number. Rare: once per opened server.
  std::shared_ptr<Route> by_id(const Upstream& upstream, pool::RouteId id) const;
  // To look at.
  std::vector<std::shared_ptr<Route>> all() const;
  const std::vector<std::unique_ptr<Upstream>>& upstreams() const { return upstreams_; }

 private:
  using Key = std::pair<std::string, std::string>;  // database, user
  // Two handles to one route, so that those who use it (clients, servers) are counted by
  // themselves: who only looks, for a table or a statistic, does not keep it from being forgotten.
  struct Entry {
    std::shared_ptr<Route> seen;
    std::shared_ptr<Route> used;
    bool wild = false;                      // made by "*": there may be any number
    Instant idle_since = Instant::never();  // as far as forget_idle() has seen
  };

  Routes(const config::Config& config, std::size_t workers) : config_(config), workers_(workers) {}
  const config::Route* spec_for(const std::string& database) const;
  Upstream* upstream_named(const std::string& name) const;
  bool is_used(const Entry& entry) const;
  bool make_room();
  bool forget(std::map<Key, Entry>::iterator at);
  void forget_gauge(const std::string& database);

  const config::Config& config_;
  std::size_t workers_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  mutable std::mutex lock_;
  std::map<std::string, std::shared_ptr<Gauge>> clients_;  // by database, of all users
  std::map<Key, Entry> routes_;
  int wild_ = 0;  // of these
};

}  // namespace tidegate::proxy
