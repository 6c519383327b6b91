#include "config/complete.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::config {
namespace {

User* find_user(std::vector<User>& users, const std::string& name) {
  const auto found =
      std::find_if(users.begin(), users.end(), [&](const User& user) { return user.name == name; });
  return found == users.end() ? nullptr : &*found;
}

const Upstream* find_upstream(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.upstreams.begin(), config.upstreams.end(),
                                  [&](const Upstream& upstream) { return upstream.name == name; });
  return found == config.upstreams.end() ? nullptr : &*found;
}

void derive_verification(net::SslMode mode, net::TlsSettings& tls) {
  tls.verify_peer = mode >= net::SslMode::verify_ca;
  tls.verify_name = mode >= net::SslMode::verify_full;
}

// As libpq does: a given root certificate is used by `require` too.
void complete_upstream(Upstream& upstream) {
  auto& tls = upstream.tls;
  if (upstream.ssl_mode == net::SslMode::require && !tls.ca_file.empty()) {
    upstream.ssl_mode = net::SslMode::verify_ca;
  }
  derive_verification(upstream.ssl_mode, tls);
  if (tls.verify_peer && tls.ca_file.empty()) tls.ca_file = "system";
}

// The route's own parameters override the upstream's of the same name.
void complete_route(Route& route, const Upstream& upstream) {
  if (route.server_database.empty()) route.server_database = upstream.database;
  auto parameters = upstream.startup_parameters;
  std::erase_if(parameters, [&](const auto& inherited) {
    return std::any_of(route.startup_parameters.begin(), route.startup_parameters.end(),
                       [&](const auto& own) { return own.first == inherited.first; });
  });
  parameters.insert(parameters.end(), route.startup_parameters.begin(),
                    route.startup_parameters.end());
  route.startup_parameters = std::move(parameters);
}

}  // namespace

Place Places::find(std::string name) const {
  for (;;) {
    if (const auto found = places_.find(name); found != places_.end()) return found->second;
    const auto dot = name.rfind('.');
    if (dot == std::string::npos) return {.file = file_};
    name.resize(dot);
  }
}

void add_auth_file(Config& config, const Sources& sources, const Place& place, Problems& problems) {
  if (config.auth_file.empty()) return;
  const auto text = sources.read_file(config.auth_file);
  if (!text) {
    problems.error(place, fmt::format("`{}` cannot be read: {}", config.auth_file, text.error()));
    return;
  }
  std::vector<Problem> warnings;
  const auto users = parse_auth_file(*text, config.auth_file, &warnings);
  for (auto& warning : warnings) problems.add(std::move(warning));
  if (!users) {
    problems.add(users.error());
    return;
  }
  const auto written_out = config.users;
  for (const auto& user : *users) {
    const bool written = std::any_of(written_out.begin(), written_out.end(),
                                     [&](const User& other) { return other.name == user.name; });
    if (written) continue;
    // Of two lines for one user the later one counts, as in PgBouncer.
    if (auto* earlier = find_user(config.users, user.name)) {
      *earlier = user;
    } else {
      config.users.push_back(user);
    }
  }
}

void complete(Config& config) {
  if (config.listen.empty()) config.listen.push_back({});
  derive_verification(config.client_ssl_mode, config.client_tls);
  for (auto& upstream : config.upstreams) complete_upstream(upstream);
  for (auto& route : config.routes) {
    if (const auto* upstream = find_upstream(config, route.upstream)) {
      complete_route(route, *upstream);
    }
  }
}

}  // namespace tidegate::config
