// Reads a TOML file into a Config. The tables of settings say which keys there are; this file only
// knows the shape around them:
//
//   settings of the process, [auth], [tls], [log]
//   [pool]             settings that every route starts with
//   [upstream.NAME]    a database
//   [route.NAME]       the name of a database as clients know it; "*" is any name
//   [user.NAME]        who may log in
#include <algorithm>

#include <fmt/format.h>

#include "config/belongs.h"
#include "config/complete.h"
#include "config/implied.h"
#include "config/load.h"
#include "config/nearest.h"
#include "config/problems.h"
#include "config/settings.h"
#include "config/toml_text.h"
#include "config/toml_tree.h"
#include "config/upstream_url.h"

namespace tidegate::config {
namespace {

class TomlLoader {
 public:
  TomlLoader(const std::string& file, const Sources& sources)
      : file_(file), sources_(sources), places_(file), text_(file, sources, problems_) {}

  Loaded load(std::string_view text) {
    const auto root = parse_toml(text);
    if (root) {
      read(*root);
    } else {
      problems_.error(place(root.error().at), root.error().text);
    }
    return {.config = std::move(config_), .problems = problems_.sorted()};
  }

 private:
  using Known = std::vector<std::string_view>;

  Place place(TomlPosition at) const { return {file_, at.line, at.column}; }

  void read(const TomlNode& root) {
    config_.listen.push_back({});
    read_globals(root);
    read_pool(root);
    read_named(root, "upstream", [&](const TomlEntry& entry) { read_upstream(entry); });
    read_named(root, "user", [&](const TomlEntry& entry) { read_user(entry); });
    read_named(root, "route", [&](const TomlEntry& entry) { read_route(entry); });
    add_auth_file(config_, sources_, places_.find("auth.file"), problems_);
    imply();
    complete(config_);
    review(config_, places_, problems_);
    review_files(config_, places_, sources_, problems_);
  }

  void read_globals(const TomlNode& root) {
    const auto sections = global_sections();
    Known known = {"pool", "upstream", "route", "user"};
    for (const auto& section : sections) {
      if (section.name.empty()) {
        apply(section.table, root, config_, "");
        section.table.add_names(known);
        continue;
      }
      known.push_back(section.name);
      const auto* entry = root.find(section.name);
      if (entry == nullptr || !must_be_table(*entry)) continue;
      note(std::string(section.name), entry->at);
      apply(section.table, entry->value, config_, std::string(section.name));
      refuse_unknown(entry->value, section.table, {}, std::string(section.name));
    }
    refuse_unknown(root, known, "");
    spoil_misspelt(root, known);
    // A certificate is given to be used.
    const auto* tls = root.find("tls");
    if (tls != nullptr && tls->value.find("cert_file") != nullptr &&
        tls->value.find("sslmode") == nullptr) {
      config_.client_ssl_mode = net::SslMode::prefer;
    }
  }

  void read_pool(const TomlNode& root) {
    const auto* entry = root.find("pool");
    if (entry == nullptr || !must_be_table(*entry)) return;
    const auto table = pool_settings();
    apply(table, entry->value, defaults_, "pool");
    refuse_unknown(entry->value, table, {}, "pool");
  }

  // A section whose name nobody knows may have been meant to be the one that another lacks.
  void spoil_misspelt(const TomlNode& root, const Known& known) {
    for (const auto& entry : root.entries) {
      const bool is_known = std::find(known.begin(), known.end(), entry.key) != known.end();
      if (is_known || entry.value.kind != TomlKind::table) continue;
      for (const auto* kind : {"upstream", "user", "auth", "tls"}) places_.spoil(kind);
    }
  }

  template <typename Read>
  void read_named(const TomlNode& root, std::string_view kind, Read read_one) {
    const auto* entry = root.find(kind);
    if (entry == nullptr || !must_be_table(*entry)) return;
    for (const auto& named : entry->value.entries) {
      if (named.value.kind != TomlKind::table) {
        problems_.error(place(named.at), fmt::format("`{}` must stand in a section of its own: "
                                                     "[{}.NAME]",
                                                     named.key, kind));
        continue;
      }
      if (named.key.empty()) {
        problems_.error(place(named.at), fmt::format("[{}.\"\"] needs a name", kind));
        continue;
      }
      note(fmt::format("{}.{}", kind, named.key), named.at);
      read_one(named);
    }
  }

  void read_upstream(const TomlEntry& entry) {
    Upstream upstream{.name = entry.key};
    const auto table = upstream_settings();
    const auto where = "upstream." + entry.key;
    apply(table, entry.value, upstream, where);
    refuse_unknown(entry.value, table, {}, where);
    config_.upstreams.push_back(std::move(upstream));
  }

  void read_user(const TomlEntry& entry) {
    User user{.name = entry.key};
    const auto table = user_settings();
    const auto where = "user." + entry.key;
    apply(table, entry.value, user, where);
    refuse_unknown(entry.value, table, {}, where);
    const bool lacks_password = user.secret.empty() && !user.trust && !places_.spoiled(where) &&
                                entry.value.find("password") == nullptr;
    if (lacks_password) {
      problems_.error(place(entry.at), fmt::format("user `{}` needs a `password`", entry.key));
    }
    if (auto damage = damage_of(user)) {
      problems_.error(places_.find(where + ".password"), std::move(*damage));
    }
    config_.users.push_back(std::move(user));
  }

  void read_route(const TomlEntry& entry) {
    Route route = defaults_;
    route.database = entry.key;
    const auto where = "route." + entry.key;
    const auto table = route_settings();
    const auto sizes = pool_settings();
    apply(table, entry.value, route, where);
    apply(sizes, entry.value, route, where);
    Known known;
    sizes.add_names(known);
    refuse_unknown(entry.value, table, known, where);
    find_upstream(entry, route);
    if (entry.key == "tidegate" || entry.key == "pgbouncer") {
      problems_.error(place(entry.at),
                      fmt::format("the name `{}` belongs to the console", entry.key));
    }
    config_.routes.push_back(std::move(route));
  }

  void find_upstream(const TomlEntry& entry, Route& route) {
    Known names;
    for (const auto& upstream : config_.upstreams) names.push_back(upstream.name);
    if (std::find(names.begin(), names.end(), route.upstream) != names.end()) return;
    const auto* written = entry.value.find("upstream");
    const bool misspelt = places_.spoiled("upstream") ||
                          (written == nullptr && places_.spoiled("route." + entry.key));
    if (misspelt) return;
    if (written != nullptr) {
      problems_.error(place(written->value.at),
                      fmt::format("unknown upstream `{}`{}", route.upstream,
                                  did_you_mean(route.upstream, names)));
    } else if (names.size() == 1) {
      route.upstream = names.front();
    } else if (!names.empty()) {
      problems_.error(place(entry.at),
                      fmt::format("route `{}` must say which `upstream` it means", entry.key));
    }
  }

  // Without routes every upstream is reached under its own name, as with --upstream; without users
  // whoever the URLs name may log in with the URLs' passwords.
  void imply() {
    if (config_.routes.empty()) {
      for (const auto& upstream : config_.upstreams) {
        config_.routes.push_back(implied_route(upstream, defaults_));
      }
    }
    if (!config_.users.empty() || !config_.auth_file.empty()) return;
    for (const auto& upstream : config_.upstreams) {
      const auto user = implied_user(upstream);
      const bool twice =
          user && std::any_of(config_.users.begin(), config_.users.end(),
                              [&](const User& one) { return one.name == user->name; });
      if (user && !twice) config_.users.push_back(*user);
    }
  }

  bool must_be_table(const TomlEntry& entry) {
    if (entry.value.kind == TomlKind::table) return true;
    problems_.error(place(entry.at),
                    fmt::format("`{}` must be a section: [{}]", entry.key, entry.key));
    return false;
  }

  void note(const std::string& name, TomlPosition at) { places_.set(name, place(at)); }

  // In the order of the table: a later setting may override what an earlier one (url) implies.
  template <typename Owner>
  void apply(const Table<Owner>& table, const TomlNode& node, Owner& owner,
             const std::string& where) {
    for (const auto& setting : table) {
      const auto* entry = node.find(setting.name);
      if (entry == nullptr) continue;
      note(where.empty() ? entry->key : where + "." + entry->key, entry->at);
      const auto text = text_.of(setting.name, setting.kind, setting.accepts, entry->value);
      const auto done = text ? setting.parse(owner, *text) : std::unexpected(std::string{});
      if (!done) places_.spoil(where);
      if (!text) continue;
      if (!done) {
        problems_.error(place(entry->value.at), fmt::format("`{}` {}", setting.name, done.error()));
      } else if (setting.kind == Kind::url) {
        review_url(*parse_url(*text), false, place(entry->value.at), problems_);
      }
    }
  }

  template <typename Owner>
  void refuse_unknown(const TomlNode& node, const Table<Owner>& table, Known more,
                      const std::string& where) {
    table.add_names(more);
    refuse_unknown(node, more, where);
  }

  void refuse_unknown(const TomlNode& node, const Known& known, const std::string& where) {
    for (const auto& entry : node.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      places_.spoil(where);
      auto advice = where_it_belongs(entry.key);
      if (advice.empty()) advice = did_you_mean(entry.key, known);
      problems_.error(place(entry.at), fmt::format("unknown key `{}`{}", entry.key, advice));
    }
  }

  const std::string& file_;
  const Sources& sources_;
  Places places_;
  Problems problems_;
  TomlText text_;
  Config config_;
  Route defaults_;  // what [pool] says
};

}  // namespace

Loaded load_toml(std::string_view text, const std::string& file, const Sources& sources) {
  return TomlLoader(file, sources).load(text);
}

}  // namespace tidegate::config
