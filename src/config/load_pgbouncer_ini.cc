// Reads an existing pgbouncer.ini. A line of [databases] becomes a route; databases on the same
// host and port share an upstream, except that one with max_db_connections has an upstream of its
// own, so that this limit stays exact. PgBouncer knows no limit over databases: where none is
// written, the budget is what all pools together could ask for.
#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "config/complete.h"
#include "config/ini_file.h"
#include "config/keywords.h"
#include "config/load.h"
#include "config/nearest.h"
#include "config/pgbouncer_defaults.h"
#include "config/pgbouncer_settings.h"
#include "config/settings.h"
#include "config/types.h"

namespace tidegate::config {
namespace {

constexpr int kBudgetMax = 10'000;

// A line of [databases] while it is read.
struct Database {
  Route route;
  std::string host;
  std::string port = "5432";
  int connections_max = 0;
  HostOrder host_order = HostOrder::in_turn;  // PgBouncer's default
};

// Settings of a database line and the settings of a pool or route that they are.
constexpr std::pair<std::string_view, std::string_view> kRouteKeys[] = {
    {"dbname", "database"},
    {"user", "user"},
    {"password", "password"},
    {"pool_size", "pool_size"},
    {"min_pool_size", "min_idle"},
    {"reserve_pool_size", "max_overflow"},
    {"reserve_pool", "max_overflow"},
    {"pool_mode", "pool_mode"},
    {"query_wait_timeout", "pool_timeout"},
    {"server_lifetime", "pool_recycle"},
    {"max_db_client_connections", "clients_max"}};

// What PgBouncer tells its servers at the start for all clients of a database; a client that names
// its own has its own.
bool is_startup_parameter(std::string_view key) {
  constexpr std::string_view kParameters[] = {"application_name", "client_encoding", "datestyle",
                                              "timezone"};
  return std::ranges::find(kParameters, key) != std::end(kParameters);
}

class IniLoader {
 public:
  IniLoader(const std::string& file, const Sources& sources)
      : file_(file), sources_(sources), places_(file) {}

  Loaded load(std::string_view text) {
    const auto entries = read_ini(text, file_, sources_, problems_);
    defaults_ = read_pgbouncer_section(section(entries, "pgbouncer"), problems_);
    auto& config = defaults_.config;
    add_auth_file(config, sources_, place_of(entries, "auth_file"), problems_);
    read_users(section(entries, "users"));
    for (const auto& entry : section(entries, "databases")) read_database(entry);
    set_budgets();
    warn_about_sections(entries);
    complete(config);
    note_settings(entries);
    review(config, places_, problems_, true);
    review_files(config, places_, sources_, problems_, true);
    return {.config = std::move(config), .problems = problems_.sorted()};
  }

 private:
  static std::vector<IniEntry> section(const std::vector<IniEntry>& entries,
                                       std::string_view name) {
    std::vector<IniEntry> found;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(found),
                 [&](const IniEntry& entry) { return entry.section == name; });
    return found;
  }

  Place place_of(const std::vector<IniEntry>& entries, std::string_view key) const {
    for (const auto& entry : entries) {
      if (entry.section == "pgbouncer" && entry.key == key) return entry.value_place;
    }
    return {.file = file_};
  }

  // Where the settings of [pgbouncer] stand, which hold for every upstream.
  void note_settings(const std::vector<IniEntry>& entries) {
    const auto note_word = [&](const std::string& name, std::string_view ini_name) {
      const auto place = place_of(entries, ini_name);
      if (place.line > 0) places_.set(name, place);
    };
    const auto note = [&](const std::string& name, const auto& setting) {
      note_word(name, setting.ini_name);
    };
    note_word("listen", "listen_addr");
    note_word("listen.unix", "unix_socket_dir");
    for (const auto& setting : process_settings()) note(std::string(setting.name), setting);
    for (const auto& setting : tls_settings()) note("tls." + std::string(setting.name), setting);
    for (const auto& setting : log_settings()) note("log." + std::string(setting.name), setting);
    for (const auto& upstream : defaults_.config.upstreams) {
      for (const auto& setting : upstream_settings()) {
        note(fmt::format("upstream.{}.{}", upstream.name, setting.name), setting);
      }
    }
  }

  void warn_about_sections(const std::vector<IniEntry>& entries) {
    std::string last;
    for (const auto& entry : entries) {
      const auto& name = entry.section;
      if (name == "pgbouncer" || name == "databases" || name == "users" || name == last) continue;
      last = name;
      problems_.warning(entry.key_place, fmt::format("section [{}] has no effect here", name));
    }
  }

  // Keywords of a database or user line. Nothing: said why.
  std::vector<Keyword> keywords(const IniEntry& entry) {
    auto read = parse_keywords(entry.value);
    if (read) return std::move(*read);
    problems_.error(at(entry, read.error().offset), read.error().text);
    return {};
  }

  static Place at(const IniEntry& entry, std::size_t offset) {
    auto place = entry.value_place;
    place.column += static_cast<int>(offset);
    return place;
  }

  // Says what becomes of a key that is not simply a setting of ours. True: it is translated.
  bool is_translated(std::span<const PgbouncerSetting> known, const Keyword& keyword,
                     const Place& place) {
    const auto* setting = find(known, keyword.name);
    if (setting == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& one : known) names.push_back(one.name);
      problems_.error(place, fmt::format("unknown key `{}`{}", keyword.name,
                                         did_you_mean(keyword.name, names)));
      return false;
    }
    if (setting->fate == Fate::missing && !same_word(keyword.value, setting->fallback)) {
      problems_.warning(place,
                        fmt::format("`{}` has no effect here: {}", keyword.name, setting->note));
    }
    return setting->fate == Fate::translated;
  }

  void read_users(const std::vector<IniEntry>& entries) {
    auto& users = defaults_.config.users;
    for (auto& user : users) user.clients_max = defaults_.user.clients_max;
    for (const auto& entry : entries) {
      const auto user = std::find_if(users.begin(), users.end(),
                                     [&](const User& one) { return one.name == entry.key; });
      if (user == users.end()) {
        problems_.warning(entry.key_place,
                          fmt::format("user `{}` is not in `auth_file`", entry.key));
        continue;
      }
      for (const auto& keyword : keywords(entry)) {
        const auto place = at(entry, keyword.offset);
        if (!is_translated(pgbouncer_user_keys(), keyword, place)) continue;
        const auto done = user_table_.find_ini(keyword.name)->parse(*user, keyword.value);
        if (!done) problems_.error(place, fmt::format("`{}` {}", keyword.name, done.error()));
      }
    }
  }

  void read_database(const IniEntry& entry) {
    if (entry.key == "pgbouncer" || entry.key == "tidegate") {
      problems_.error(entry.key_place,
                      fmt::format("the name `{}` belongs to the console", entry.key));
      return;
    }
    Database database{.route = defaults_.route,
                      .host = defaults_.unix_socket_dir,
                      .connections_max = defaults_.max_db_connections};
    database.route.database = entry.key;
    const auto errors = problems_.errors();
    for (const auto& keyword : keywords(entry)) {
      const auto place = at(entry, keyword.offset);
      if (!is_translated(pgbouncer_database_keys(), keyword, place)) continue;
      const auto done = read_keyword(database, keyword);
      if (!done) problems_.error(place, fmt::format("`{}` {}", keyword.name, done.error()));
    }
    if (split_list(database.host).empty()) {
      // What is wrong with the line may be just that.
      if (problems_.errors() == errors) lack_host(entry);
      return;
    }
    add_stored_password(database.route);
    places_.set("route." + entry.key, entry.key_place);
    add_route(std::move(database), entry);
  }

  void lack_host(const IniEntry& entry) {
    const auto* why = defaults_.unix_socket_dir.empty()
                          ? ": the `unix_socket_dir` that it would be without one is empty"
                          : "";
    problems_.error(entry.key_place, fmt::format("database `{}` needs a `host`{}", entry.key, why));
  }

  std::expected<void, std::string> read_keyword(Database& database, const Keyword& keyword) const {
    const auto& [name, value] = std::tie(keyword.name, keyword.value);
    if (name == "host") {
      database.host = value;
    } else if (name == "port") {
      database.port = value;
    } else if (name == "max_db_connections") {
      const auto limit = integer(0, kBudgetMax).parse(value);
      if (!limit) return std::unexpected(limit.error());
      database.connections_max = *limit;
    } else if (name == "load_balance_hosts") {
      const auto order = config::host_order().parse(value);
      if (!order) return std::unexpected(order.error());
      database.host_order = *order;
    } else if (is_startup_parameter(name)) {
      database.route.startup_parameters.emplace_back(name, value);
    } else {
      return read_route_keyword(database.route, keyword);
    }
    return {};
  }

  std::expected<void, std::string> read_route_keyword(Route& route, const Keyword& keyword) const {
    const auto key = std::find_if(std::begin(kRouteKeys), std::end(kRouteKeys),
                                  [&](const auto& pair) { return pair.first == keyword.name; });
    const auto value =
        keyword.name == "server_lifetime" ? translated_lifetime(keyword.value) : keyword.value;
    const auto* setting = route_table_.find(key->second);
    if (setting == nullptr) setting = pool_table_.find(key->second);
    return setting->parse(route, value);
  }

  // A user that the line forces without a password logs in with the one of auth_file.
  void add_stored_password(Route& route) const {
    if (route.server_user.empty() || !route.server_password.empty()) return;
    for (const auto& user : defaults_.config.users) {
      const bool is_key = user.secret.starts_with("SCRAM-SHA-256$");
      if (user.name == route.server_user && !is_key) route.server_password = user.secret;
    }
  }

  void add_route(Database database, const IniEntry& entry) {
    auto& routes = defaults_.config.routes;
    const auto twin = std::find_if(routes.begin(), routes.end(), [&](const Route& route) {
      return route.database == database.route.database;
    });
    if (twin != routes.end()) {
      problems_.warning(entry.key_place,
                        fmt::format("database `{}` is written twice: this line counts", entry.key));
      routes.erase(twin);
    }
    const auto targets = targets_of(database, entry);
    if (!targets) return;
    database.route.upstream = upstream_for(database, *targets);
    routes.push_back(std::move(database.route));
  }

  std::optional<std::vector<net::Target>> targets_of(const Database& database,
                                                     const IniEntry& entry) {
    const auto port = integer(1, 65535).parse(database.port);
    if (!port) {
      problems_.error(entry.value_place, fmt::format("`port` {}", port.error()));
      return std::nullopt;
    }
    std::vector<net::Target> targets;
    for (const auto& host : split_list(database.host)) targets.push_back({host, *port});
    return targets;
  }

  // Databases on the same hosts share an upstream, unless a line says of it what others do not.
  std::string upstream_for(const Database& database, const std::vector<net::Target>& targets) {
    auto& upstreams = defaults_.config.upstreams;
    const bool own = database.connections_max > 0 || database.host_order != HostOrder::in_turn;
    const auto name = own ? database.route.database : hosts().print(targets);
    const auto known = std::find_if(upstreams.begin(), upstreams.end(),
                                    [&](const Upstream& one) { return one.name == name; });
    if (known != upstreams.end() && !own) return name;
    if (known != upstreams.end()) upstreams.erase(known);
    Upstream upstream = defaults_.upstream;
    upstream.name = name;
    upstream.hosts = targets;
    upstream.host_order = database.host_order;
    // Zero means: summed up when all databases are known.
    upstream.limits.budget = database.connections_max;
    upstreams.push_back(std::move(upstream));
    return name;
  }

  void set_budgets() {
    auto& config = defaults_.config;
    for (auto& upstream : config.upstreams) {
      if (upstream.limits.budget > 0) continue;
      long sum = 0;
      for (const auto& route : config.routes) {
        if (route.upstream == upstream.name) sum += servers_of(route);
      }
      upstream.limits.budget = static_cast<int>(std::clamp<long>(sum, 1, kBudgetMax));
    }
    std::erase_if(config.upstreams, [&](const Upstream& upstream) {
      return std::none_of(config.routes.begin(), config.routes.end(),
                          [&](const Route& route) { return route.upstream == upstream.name; });
    });
  }

  // Every user has a pool of its own in every database; with "*" nobody knows how many databases
  // there will be, but there are never more busy servers than clients.
  long servers_of(const Route& route) const {
    const auto& config = defaults_.config;
    if (route.database == "*") return config.clients_max;
    const long pools = route.server_user.empty() ? static_cast<long>(config.users.size()) : 1;
    return std::max(pools, 1L) * (route.limits.pool_size + route.limits.max_overflow);
  }

  const std::string& file_;
  const Sources& sources_;
  const Table<Route> route_table_ = route_settings(), pool_table_ = pool_settings();
  const Table<User> user_table_ = user_settings();
  Places places_;
  Problems problems_;
  PgbouncerDefaults defaults_;
};

}  // namespace

Loaded load_pgbouncer_ini(std::string_view text, const std::string& file, const Sources& sources) {
  return IniLoader(file, sources).load(text);
}

}  // namespace tidegate::config
