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
  const bool unix_only = !upstream.hosts.empty() && upstream.hosts.front().host.starts_with('/');
  rules.tls_wanted = upstream.ssl_mode >= net::SslMode::prefer && !unix_only;
  rules.tls_required = upstream.ssl_mode >= net::SslMode::require && !unix_only;
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
  auto& route = routes_[{database, rules.user}];
  if (route == nullptr) {
    route = std::make_shared<Route>(database, *spec, *upstream, std::move(rules), workers_,
                                    clients_[database]);
  }
  return route;
}

std::shared_ptr<Route> Routes::by_id(const Upstream& upstream, pool::RouteId id) const {
  const std::scoped_lock hold(lock_);
  for (const auto& [key, route] : routes_) {
    if (&route->upstream() == &upstream && route->id() == id) return route;
  }
  return nullptr;
}

std::vector<std::shared_ptr<Route>> Routes::all() const {
  const std::scoped_lock hold(lock_);
  std::vector<std::shared_ptr<Route>> all;
  all.reserve(routes_.size());
  for (const auto& [key, route] : routes_) all.push_back(route);
  return all;
}

}  // namespace tidegate::proxy
