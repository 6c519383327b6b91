#include "config/pgbouncer_defaults.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/nearest.h"
#include "config/pgbouncer_settings.h"
#include "config/settings.h"
#include "config/types.h"
#include "config/units.h"

namespace tidegate::config {
namespace {

using Done = std::expected<void, std::string>;
using Error = std::unexpected<std::string>;

constexpr std::string_view kAuthTypesElsewhere[] = {"hba", "cert", "pam", "ldap", "peer"};

Done read_auth_type(Config& config, const std::string& value) {
  if (is_one_of(value, kAuthTypesElsewhere)) {
    return Error(fmt::format("`{}` is not available here", value));
  }
  const auto type = one_of<AuthType>({{"md5", AuthType::md5},
                                      {"scram-sha-256", AuthType::scram_sha_256},
                                      {"plain", AuthType::cleartext},
                                      {"trust", AuthType::trust},
                                      {"any", AuthType::anyone}})
                        .parse(value);
  if (!type) return Error(type.error());
  config.auth_type = *type;
  // PgBouncer's `plain` takes a cleartext password on any connection.
  config.cleartext_over_plain = *type == AuthType::cleartext;
  return {};
}

// "secure", or a list such as "tlsv1.2,tlsv1.3" or "tlsv1.2:tlsv1.3". Below TLS 1.2 nothing is
// spoken.
void read_protocols(net::TlsSettings& tls, const IniEntry& entry, Problems& problems) {
  const auto& value = entry.value;
  tls.min_version = same_word(value, "tlsv1.3") ? "1.3" : "1.2";
  auto list = value;
  std::ranges::replace(list, ':', ',');
  constexpr std::string_view kOlder[] = {"all", "legacy", "tlsv1", "tlsv1.0", "tlsv1.1"};
  const bool older = std::ranges::any_of(
      split_list(list), [&](const std::string& word) { return is_one_of(word, kOlder); });
  if (!older) return;
  problems.warning(entry.value_place, fmt::format("`{}`: TLS below 1.2 is not spoken", entry.key));
}

// PgBouncer's words for lists of its own, or a list as OpenSSL writes it.
std::string translated_ciphers(const std::string& value) {
  constexpr std::string_view kWords[] = {"default", "secure", "normal", "fast",
                                         "all",     "legacy", "compat", "insecure"};
  return is_one_of(value, kWords) ? "" : value;
}

class SectionReader {
 public:
  explicit SectionReader(Problems& problems) : problems_(problems) {}

  PgbouncerDefaults read(const std::vector<IniEntry>& entries) {
    set_all_fallbacks();
    for (const auto& entry : entries) read_entry(entry);
    listen();
    // The modes of the sockets belong to addresses that exist only now.
    for (const auto& entry : entries) {
      if (entry.key == "unix_socket_mode") apply(process_, out_.config, entry, entry.value);
    }
    return std::move(out_);
  }

 private:
  template <typename Owner>
  static void set_fallbacks(const Table<Owner>& table, Owner& owner) {
    for (const auto& setting : table) {
      if (!setting.ini_fallback.empty()) (void)setting.parse(owner, setting.ini_fallback);
    }
  }

  void set_all_fallbacks() {
    set_fallbacks(process_, out_.config);
    set_fallbacks(log_, out_.config);
    set_fallbacks(tls_, out_.config);
    set_fallbacks(upstream_, out_.upstream);
    set_fallbacks(pool_, out_.route);
    set_fallbacks(route_, out_.route);
    set_fallbacks(user_, out_.user);
    out_.config.auth_type = AuthType::md5;
    out_.route.limits.shed = false;  // everybody waits for query_wait_timeout there
  }

  void read_entry(const IniEntry& entry) {
    if (const auto* setting = find(pgbouncer_settings(), entry.key)) {
      if (setting->fate == Fate::translated) {
        translate(entry);
      } else if (setting->fate == Fate::missing && !same_word(entry.value, setting->fallback)) {
        problems_.warning(entry.key_place,
                          fmt::format("`{}` has no effect here: {}", entry.key, setting->note));
      }
      return;
    }
    const auto value =
        entry.key == "server_lifetime" ? translated_lifetime(entry.value) : entry.value;
    const bool known =
        apply(process_, out_.config, entry, value) || apply(auth_, out_.config, entry, value) ||
        apply(log_, out_.config, entry, value) || apply(tls_, out_.config, entry, value) ||
        apply(upstream_, out_.upstream, entry, value) || apply(pool_, out_.route, entry, value) ||
        apply(route_, out_.route, entry, value) || apply(user_, out_.user, entry, value);
    if (!known) refuse_unknown(entry);
  }

  // True when the table knows the setting, whatever became of its value.
  template <typename Owner>
  bool apply(const Table<Owner>& table, Owner& owner, const IniEntry& entry,
             const std::string& value) {
    const auto* setting = table.find_ini(entry.key);
    if (setting == nullptr) return false;
    const auto done = setting->parse(owner, value);
    if (done) return true;
    if (value == "0") {
      problems_.warning(entry.value_place,
                        fmt::format("`{}` cannot be switched off here: it stays {}", entry.key,
                                    setting->print(owner)));
    } else {
      problems_.error(entry.value_place, fmt::format("`{}` {}", entry.key, done.error()));
    }
    return true;
  }

  void translate(const IniEntry& entry) {
    const auto done = translated(entry);
    if (!done) problems_.error(entry.value_place, fmt::format("`{}` {}", entry.key, done.error()));
  }

  Done translated(const IniEntry& entry) {
    const auto& [key, value] = std::tie(entry.key, entry.value);
    if (key == "auth_type") return read_auth_type(out_.config, value);
    if (key == "listen_port") return set(listen_port_, integer(0, 65535), value);
    if (key == "max_db_connections") {
      return set(out_.max_db_connections, integer(0, 10'000), value);
    }
    if (key == "tcp_user_timeout") return set_milliseconds(out_.config.tcp_user_timeout, value);
    if (key == "server_round_robin") return set_inverse(out_.route.limits.lifo, value);
    if (key == "verbose") {
      if (value != "0") out_.config.log_level = LogLevel::debug;
    } else if (key == "listen_addr") {
      listen_addr_ = value;
    } else if (key == "unix_socket_dir") {
      out_.unix_socket_dir = value;
    } else if (key == "server_check_query") {
      out_.route.limits.pre_ping = !value.empty();
    } else if (key == "client_tls_protocols") {
      read_protocols(out_.config.client_tls, entry, problems_);
    } else if (key == "server_tls_protocols") {
      read_protocols(out_.upstream.tls, entry, problems_);
    } else if (key == "client_tls_ciphers") {
      out_.config.client_tls.ciphers = translated_ciphers(value);
    } else if (key == "server_tls_ciphers") {
      out_.upstream.tls.ciphers = translated_ciphers(value);
    }
    return {};
  }

  template <typename T>
  static Done set(T& field, const Type<T>& type, const std::string& value) {
    const auto parsed = type.parse(value);
    if (!parsed) return Error(parsed.error());
    field = *parsed;
    return {};
  }

  static Done set_milliseconds(Duration& field, const std::string& value) {
    const auto count = parse_integer(value);
    if (!count || *count < 0) return Error("must be a number of milliseconds");
    field = std::chrono::milliseconds{*count};
    return {};
  }

  static Done set_inverse(bool& field, const std::string& value) {
    const auto parsed = boolean().parse(value);
    if (!parsed) return Error(parsed.error());
    field = !*parsed;
    return {};
  }

  void listen() {
    auto& listen = out_.config.listen;
    for (const auto& address : split_list(listen_addr_)) {
      listen.push_back({.host = address, .port = listen_port_});
    }
    if (!out_.unix_socket_dir.empty()) {
      listen.push_back({.host = out_.unix_socket_dir, .port = listen_port_});
    }
  }

  void refuse_unknown(const IniEntry& entry) {
    std::vector<std::string_view> known;
    for (const auto& setting : pgbouncer_settings()) known.push_back(setting.name);
    add_ini_names(known, process_, auth_, log_, tls_, upstream_, pool_, route_, user_);
    problems_.error(entry.key_place, fmt::format("PgBouncer has no setting `{}`{}", entry.key,
                                                 did_you_mean(entry.key, known)));
  }

  static void add_ini_names(std::vector<std::string_view>& out, const auto&... tables) {
    const auto add = [&](const auto& table) {
      for (const auto& setting : table) {
        if (!setting.ini_name.empty()) out.push_back(setting.ini_name);
      }
    };
    (add(tables), ...);
  }

  Problems& problems_;
  PgbouncerDefaults out_;
  std::string listen_addr_;
  int listen_port_ = 6432;
  const Table<Config> process_ = process_settings(), auth_ = auth_settings(), log_ = log_settings(),
                      tls_ = tls_settings();
  const Table<Upstream> upstream_ = upstream_settings();
  const Table<Route> pool_ = pool_settings(), route_ = route_settings();
  const Table<User> user_ = user_settings();
};

}  // namespace

PgbouncerDefaults read_pgbouncer_section(const std::vector<IniEntry>& entries, Problems& problems) {
  return SectionReader(problems).read(entries);
}

std::string translated_lifetime(const std::string& value) {
  return value == "0" ? "1ns" : value;
}

}  // namespace tidegate::config
