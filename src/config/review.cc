// Looks at a whole configuration for what its parts cannot know about each other.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "auth/md5.h"
#include "config/complete.h"
#include "config/nearest.h"
#include "config/types.h"
#include "pool/sizing.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kMd5Only =
    "which a database accepts that asks for md5, and none that asks for scram-sha-256 "
    "(PostgreSQL's default)";

// Users of whom something is said: "3 users (`a`, `b`, `c`)". There may be thousands: a few are
// enough to know where to look.
struct Named {
  static constexpr std::size_t kShownMax = 3;

  void add(const std::string& name) {
    if (++count > kShownMax) return;
    shown += fmt::format("{}`{}`", shown.empty() ? "" : ", ", name);
  }
  std::string text() const {
    const auto more = count > kShownMax ? fmt::format(" and {} more", count - kShownMax) : "";
    return fmt::format("{} user{} ({}{})", count, count == 1 ? "" : "s", shown, more);
  }

  std::size_t count = 0;
  std::string shown;
};

class Review {
 public:
  Review(const Config& config, const Places& places, Problems& problems, bool ini)
      : config_(config), places_(places), problems_(problems), ini_(ini) {}

  void run() {
    if (config_.upstreams.empty()) lack_databases();
    for (const auto& upstream : config_.upstreams) {
      review_upstream(upstream);
      review_min_idle(upstream);
      review_all_pins(upstream);
    }
    for (const auto& route : config_.routes) review_route(route);
    review_users();
    review_console_users("admin_users", config_.admin_users);
    review_console_users("stats_users", config_.stats_users);
    review_auth_type();
    review_client_tls();
  }

 private:
  void error(const std::string& where, std::string text) {
    problems_.error(places_.find(where), std::move(text));
  }
  void warning(const std::string& where, std::string text) {
    problems_.warning(places_.find(where), std::move(text));
  }

  // PgBouncer starts without any, and that is how it is installed.
  void lack_databases() {
    if (ini_) {
      if (problems_.any_error()) return;  // a line that could not be read
      return warning("databases",
                     "[databases] has no line: every client is told that there is no such "
                     "database, until one is written and Tidegate is started again");
    }
    lack("upstream", "no database to pool for: write [upstream.NAME] with a `url`");
  }

  // Something that is missing, unless what is wrong in the section may be just that.
  void lack(const std::string& section, std::string text) {
    if (!places_.spoiled(section)) error(section, std::move(text));
  }

  void review_upstream(const Upstream& upstream) {
    const auto where = "upstream." + upstream.name;
    if (upstream.hosts.empty()) {
      lack(where, fmt::format("upstream `{}` needs a `url` or a `host`", upstream.name));
    }
    if (!upstream.password.empty() && upstream.user.empty()) {
      lack(where, fmt::format("upstream `{}` has a password but no `user`", upstream.name));
    }
    review_own_password(upstream.password, where + ".password");
    if (upstream.limits.retry_first > upstream.limits.retry_max) {
      warning(where + ".retry_first", "`retry_first` is longer than `retry_max`, which wins");
    }
    if (upstream.tls.cert_file.empty() != upstream.tls.key_file.empty()) {
      lack(where, "`tls_cert_file` and `tls_key_file` need each other");
    }
  }

  void review_min_idle(const Upstream& upstream) {
    long sum = 0;
    const Route* last = nullptr;
    for (const auto& route : config_.routes) {
      if (route.upstream != upstream.name || route.limits.min_idle == 0) continue;
      sum += route.limits.min_idle;
      last = &route;
    }
    if (last == nullptr || sum <= upstream.limits.budget) return;
    warning(fmt::format("route.{}.min_idle", last->database),
            fmt::format("the `min_idle` of all routes to `{}` add up to {}, but its budget is {}: "
                        "some will never be reached",
                        upstream.name, sum, upstream.limits.budget));
  }

  // `auto` leaves a place of the budget to the others; numbers that are written down are obeyed.
  void review_all_pins(const Upstream& upstream) {
    long sum = 0;
    int routes = 0;
    const Route* last = nullptr;
    for (const auto& route : config_.routes) {
      if (route.upstream != upstream.name || route.limits.pins_max == 0) continue;
      if (!route.rules.pins_allowed || route.rules.mode != PoolMode::transaction) continue;
      sum += std::min(route.limits.pins_max, route.limits.pool_size + route.limits.max_overflow);
      ++routes;
      last = &route;
    }
    if (routes < 2 || sum < upstream.limits.budget) return;
    warning(fmt::format("route.{}.pins_max", last->database),
            fmt::format("the `pins_max` of all routes to `{}` add up to {}, and its budget is {}: "
                        "while pinned clients are idle everybody else may have to wait",
                        upstream.name, sum, upstream.limits.budget));
  }

  void review_route(const Route& route) {
    const auto where = "route." + route.database;
    const auto upstream =
        std::find_if(config_.upstreams.begin(), config_.upstreams.end(),
                     [&](const Upstream& one) { return one.name == route.upstream; });
    if (upstream == config_.upstreams.end()) return;  // said where the route was read
    const auto& limits = route.limits;
    if (limits.pool_size > upstream->limits.budget) {
      warning(
          where + ".pool_size",
          fmt::format("route `{}` has a `pool_size` of {}, but upstream `{}` has a budget of "
                      "{}: that many is all it can get",
                      route.database, limits.pool_size, upstream->name, upstream->limits.budget));
    }
    if (limits.min_idle > limits.pool_size) {
      warning(where + ".min_idle",
              fmt::format("route `{}` has a `min_idle` of {} above its `pool_size` of {}: only "
                          "`pool_size` servers are kept",
                          route.database, limits.min_idle, limits.pool_size));
    }
    if (limits.min_idle > 0 && limits.idle_timeout > Duration{0}) {
      warning(where + ".min_idle",
              fmt::format("route `{}` keeps {} idle: a serverless database will not fall asleep",
                          route.database, limits.min_idle));
    }
    if (!route.server_password.empty() && route.server_user.empty()) {
      lack(where, fmt::format("route `{}` has a password but no `user`", route.database));
    }
    review_own_password(route.server_password, where + ".password");
    review_pins(route, *upstream);
    review_statements(route);
    if (route.database == "*" && !route.server_database.empty()) {
      warning(where, fmt::format("every database name that no other route has leads to `{}`",
                                 route.server_database));
    }
    review_server_login(route, *upstream);
  }

  // Pinned clients may be idle for as long as they like: one server has to be left for the others.
  void review_pins(const Route& route, const Upstream& upstream) {
    const auto& limits = route.limits;
    if (!route.rules.pins_allowed || route.rules.mode != PoolMode::transaction) return;
    // A pool_size that the budget does not allow was said.
    const int servers = std::min(limits.pool_size + limits.max_overflow,
                                 std::max(limits.pool_size, upstream.limits.budget));
    if (pool::pins_max(limits) < servers) return;
    const auto where = "route." + route.database + ".pins_max";
    if (servers == 1) {
      return warning(where,
                     fmt::format("route `{}` has one server, which a pinned client may hold: "
                                 "while it is idle everybody else waits; raise `pool_size`, "
                                 "or write `pins_allowed = false`",
                                 route.database));
    }
    warning(where, fmt::format("route `{}` lets pinned clients hold {} servers (`pins_max`), and "
                               "that is all it may have: while they are idle everybody else waits; "
                               "lower `pins_max`, or raise `pool_size`",
                               route.database, servers));
  }

  void review_statements(const Route& route) {
    const auto& rules = route.rules;
    if (rules.statement_bytes_max <= rules.client_statement_bytes_max) return;
    warning("route." + route.database + ".statement_bytes_max",
            fmt::format("route `{}` has a `statement_bytes_max` above its "
                        "`client_statement_bytes_max`: statements between the two are refused",
                        route.database));
  }

  // What Tidegate itself logs in with has to be a password, or at least do for md5.
  void review_own_password(const std::string& password, const std::string& where) {
    switch (auth::secret_form(password)) {
      case auth::SecretForm::cleartext:
        break;
      case auth::SecretForm::md5:
        warning(where, std::string("this password is an md5 hash: ") + std::string(kMd5Only));
        break;
      case auth::SecretForm::scram:
        error(where,
              "this password is a SCRAM key, which proves a password and cannot replace it: "
              "write the password itself");
        break;
    }
  }

  // Who looks at the console only needs no password for a database.
  template <typename Predicate>
  Named users_where(Predicate predicate) const {
    const auto among = [](const std::vector<std::string>& names, const std::string& name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    Named found;
    for (const auto& user : config_.users) {
      if (!predicate(user) || among(config_.admin_users, user.name) ||
          among(config_.stats_users, user.name)) {
        continue;
      }
      found.add(user.name);
    }
    return found;
  }

  Named users_with(auth::SecretForm form) const {
    return users_where([form](const User& user) {
      return !user.secret.empty() && auth::secret_form(user.secret) == form;
    });
  }

  void review_server_login(const Route& route, const Upstream& upstream) {
    const auto where = "route." + route.database;
    const bool unclear = places_.spoiled(where) || places_.spoiled("upstream." + upstream.name);
    if (!route.server_user.empty() || !upstream.user.empty() || unclear) return;
    if (config_.auth_type == AuthType::anyone) {
      error(where, fmt::format("route `{}` must name a `user`, because clients have none with "
                               "this auth type",
                               route.database));
      return;
    }
    if (std::exchange(secrets_reviewed_, true)) return;  // every such route would say the same
    const auto without = users_where([](const User& user) { return user.secret.empty(); });
    if (without.count > 0) {
      warning(where, fmt::format("route `{}` logs in as the client's own user, but of {} no "
                                 "password is stored: only a database that asks for none lets them "
                                 "in",
                                 route.database, without.text()));
    }
    warn_of_secrets(route, users_with(auth::SecretForm::scram), "a SCRAM key",
                    "which proves a password and cannot replace it");
    warn_of_secrets(route, users_with(auth::SecretForm::md5), "an md5 hash", kMd5Only);
  }

  void warn_of_secrets(const Route& route, const Named& users, std::string_view what,
                       std::string_view why) {
    if (users.count == 0) return;
    warning("route." + route.database,
            fmt::format("route `{}` logs in as the client's own user, but of {} only {} is "
                        "stored, {}: give the route or its upstream a `user` and `password`",
                        route.database, users.text(), what, why));
  }

  // Trust is never implied; where it is written down, who may profit from it is said.
  void review_auth_type() {
    if (config_.auth_type != AuthType::anyone && config_.auth_type != AuthType::trust) return;
    std::string places;
    for (const auto& listen : config_.listen) {
      places += fmt::format("{}`{}`", places.empty() ? "" : ", ", print_listen(listen));
    }
    const bool anyone = config_.auth_type == AuthType::anyone;
    warning("auth.type",
            fmt::format("nobody is asked for a password: whoever reaches {} may use {}", places,
                        anyone ? "every database under any name" : "every user written down"));
  }

  void review_users() {
    for (const auto& user : config_.users) {
      if (!user.trust) continue;
      for (const auto& listen : config_.listen) {
        if (is_local(listen)) continue;
        warning(fmt::format("user.{}.trust", user.name),
                fmt::format("user `{}` needs no password, and `{}` can be reached from other "
                            "machines",
                            user.name, listen.host));
        break;
      }
    }
    if (config_.upstreams.empty() && ini_) return;  // nobody is served, and that was said
    if (config_.users.empty() && config_.auth_type != AuthType::anyone && !problems_.any_error()) {
      error("auth",
            "nobody could log in: write [user.NAME] with a `password`, or [auth] with a "
            "`file`");
    }
  }

  // Nobody can log in by such a name.
  void review_console_users(const std::string& setting, const std::vector<std::string>& names) {
    // Users may be missing because the place where they stand could not be read.
    if (config_.auth_type == AuthType::anyone || problems_.any_error()) return;
    std::vector<std::string_view> known;
    for (const auto& user : config_.users) known.push_back(user.name);
    for (const auto& name : names) {
      if (std::ranges::find(known, name) != known.end()) continue;
      warning(setting, fmt::format("`{}` has `{}`, but there is no such user{}", setting, name,
                                   did_you_mean(name, known)));
    }
  }

  static bool is_local(const Listen& listen) {
    return listen.host.starts_with('/') || listen.host.starts_with('@') ||
           listen.host.starts_with("127.") || listen.host == "::1" || listen.host == "localhost";
  }

  void review_client_tls() {
    const auto& tls = config_.client_tls;
    if (tls.cert_file.empty() != tls.key_file.empty()) {
      lack("tls", "`cert_file` and `key_file` need each other");
    }
    if (tls.verify_peer && tls.ca_file.empty()) {
      if (!places_.spoiled("tls")) {
        error("tls.sslmode", "client certificates cannot be verified without a `ca_file`");
      }
    }
    if (tls.verify_peer && tls.cert_file.empty() && tls.key_file.empty()) {
      if (!places_.spoiled("tls")) {
        error("tls.sslmode",
              "client certificates are only asked for with a `cert_file` and a "
              "`key_file`, not with a self-made certificate");
      }
    }
  }

  const Config& config_;
  const Places& places_;
  Problems& problems_;
  bool ini_;
  bool secrets_reviewed_ = false;
};

}  // namespace

void review(const Config& config, const Places& places, Problems& problems, bool ini) {
  Review(config, places, problems, ini).run();
}

}  // namespace tidegate::config
