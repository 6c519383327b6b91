#include "proxy/routes.h"

#include <utility>

namespace tidegate::proxy {
namespace {

std::expected<net::TlsContextRef, std::string> tls_for(const config::Upstream& spec) {
  if (spec.ssl_mode <= net::SslMode::allow) return net::TlsContextRef{};
  auto settings = spec.tls;
  settings.verify_peer = spec.ssl_mode >= net::SslMode::verify_ca;
  settings.verify_name = spec.ssl_mode == net::SslMode::verify_full;
  return net::make_client_tls(settings);
}

session::ServerRules rules_for(const config::Route& route, const config::Upstream& upstream,
                               const std::string& database, const std::string& user,
                               const std::string& password) {
  session::ServerRules rules;
  if (!route.server_user.empty()) {
    rules.user = route.server_user;
    rules.password = route.server_password;
  } else if (!upstream.user.empty()) {
    rules.user = upstream.user;
    rules.password = upstream.password;
  } else {
    rules.user = user;
    rules.password = password;
  }
  rules.database = !route.server_database.empty() ? route.server_database
                   : !upstream.database.empty()   ? upstream.database
                                                  : database;
  rules.tls_wanted = upstream.ssl_mode >= net::SslMode::prefer;
  rules.tls_required = upstream.ssl_mode >= net::SslMode::require;
  rules.startup_parameters = route.startup_parameters;
  rules.channel_binding_wanted = upstream.channel_binding;
  return rules;
}

}  // namespace

std::expected<std::unique_ptr<Routes>, std::string> Routes::make(const config::Config& config,
                                                                 std::size_t workers,
                                                                 std::uint64_t jitter_seed) {
  auto routes = std::unique_ptr<Routes>(new Routes(config, workers));
  for (const auto& spec : config.upstreams) {
    auto tls = tls_for(spec);
    if (!tls) return std::unexpected(tls.error());
    routes->upstreams_.push_back(
        std::make_unique<Upstream>(routes->upstreams_.size(), spec, *tls, jitter_seed++));
  }
  return routes;
}

const config::Route* Routes::spec_for(const std::string& database) const {
  const config::Route* fallback = nullptr;
  for (const auto& route : config_.routes) {
    if (route.database == database) return &route;
    if (route.database == "*") fallback = &route;
  }
  return fallback;
}

Upstream* Routes::upstream_named(const std::string& name) const {
  for (const auto& upstream : upstreams_) {
    if (upstream->spec().name == name) return upstream.get();
  }
  return nullptr;
}

std::expected<std::shared_ptr<Route>, Reason> Routes::find(const std::string& database,
                                                           const std::string& user,
                                                           const std::string& password) {
  const auto* spec = spec_for(database);
  if (spec == nullptr) return std::unexpected(Reason::unknown_database);
  auto* upstream = upstream_named(spec->upstream);
  if (upstream == nullptr) return std::unexpected(Reason::unknown_database);
  auto rules = rules_for(*spec, upstream->spec(), database, user, password);

  const std::scoped_lock hold(lock_);
  Key key{database, rules.user};
  if (const auto known = routes_.find(key); known != routes_.end()) {
    known->second.idle_since = Instant::never();
    return known->second.used;
  }
  const bool wild = spec->database == "*";
  if (wild && !make_room()) return std::unexpected(Reason::routes_full);
  auto& clients = clients_[database];
  if (clients == nullptr) clients = std::make_shared<Gauge>();
  Entry entry{.wild = wild};
  entry.seen =
      std::make_shared<Route>(database, *spec, *upstream, std::move(rules), workers_, clients);
  entry.used = {entry.seen.get(), [kept = entry.seen](Route*) {}};
  wild_ += wild ? 1 : 0;
  return routes_.emplace(std::move(key), std::move(entry)).first->second.used;
}

// For one more that "*" makes. The one that has been idle for longest gives way; last come those
// that forget_idle() has not seen idle yet.
bool Routes::make_room() {
  if (wild_ < config_.routes_max) return true;
  auto oldest = routes_.end();
  for (auto at = routes_.begin(); at != routes_.end(); ++at) {
    const auto& entry = at->second;
    const bool older = oldest == routes_.end() || entry.idle_since < oldest->second.idle_since;
    if (entry.wild && older && !is_used(entry)) oldest = at;
  }
  return oldest != routes_.end() && forget(oldest);
}

// Whoever uses a route got it from here, under the lock: while nobody but the table has it, nobody
// can come by it. A server that the pool has asked for and no worker has made yet is in the pool's
// books.
bool Routes::is_used(const Entry& entry) const {
  if (entry.used.use_count() > 1) return true;
  const auto id = entry.used->id();
  return !entry.used->upstream().with_pool([&](pool::Pool& pool) { return pool.is_unused(id); });
}

void Routes::forget_idle(Instant now) {
  const std::scoped_lock hold(lock_);
  for (auto next = routes_.begin(); next != routes_.end();) {
    const auto at = next++;
    auto& entry = at->second;
    if (!entry.wild) continue;
    if (is_used(entry)) {
      entry.idle_since = Instant::never();
    } else if (entry.idle_since.is_never()) {
      entry.idle_since = now;
    } else if (now - entry.idle_since >= config_.route_idle_timeout) {
      forget(at);
    }
  }
}

bool Routes::forget(std::map<Key, Entry>::iterator at) {
  auto& route = *at->second.used;
  const bool forgotten =
      route.upstream().with_pool([&](pool::Pool& pool) { return pool.forget_route(route.id()); });
  if (!forgotten) return false;
  const auto database = at->first.first;
  routes_.erase(at);
  --wild_;
  forget_gauge(database);
  return true;
}

// The count of a database's clients serves the routes of all its users.
void Routes::forget_gauge(const std::string& database) {
  const auto first = routes_.lower_bound({database, {}});
  if (first == routes_.end() || first->first.first != database) clients_.erase(database);
}

std::shared_ptr<Route> Routes::by_id(const Upstream& upstream, pool::RouteId id) const {
  const std::scoped_lock hold(lock_);
  for (const auto& [key, entry] : routes_) {
    const auto& route = entry.used;
    if (&route->upstream() == &upstream && route->id() == id) return route;
  }
  return nullptr;
}

std::vector<std::shared_ptr<Route>> Routes::all() const {
  const std::scoped_lock hold(lock_);
  std::vector<std::shared_ptr<Route>> all;
  all.reserve(routes_.size());
  for (const auto& [key, entry] : routes_) all.push_back(entry.seen);
  return all;
}

}  // namespace tidegate::proxy
