// A URL comes from somebody's DATABASE_URL, and was written for a driver: beside libpq's words it
// carries those of ORMs. Every parameter is one of these: it says how to connect, it is sent with
// the login, it is a setting of ours, it steers something that only exists in a driver, or it is
// unknown. An unknown one is worth a warning, and is an error where it looks like a misspelt one
// that counts: `sslmod=require` must not connect in clear.
#include "config/upstream_url.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/nearest.h"
#include "config/settings.h"
#include "config/types.h"

namespace tidegate::config {
namespace {

using Done = std::expected<void, std::string>;
using Error = std::unexpected<std::string>;

// libpq's (and JDBC's and Prisma's) names for settings of an upstream.
struct Alias {
  std::string_view parameter;
  std::string_view setting;
};
constexpr Alias kAliases[] = {
    {"sslrootcert", "tls_ca_file"}, {"sslcert", "tls_cert_file"}, {"sslkey", "tls_key_file"}};

constexpr std::string_view kConnectionWords[] = {"ssl",
                                                 "ssl_min_protocol_version",
                                                 "sslaccept",
                                                 "channel_binding",
                                                 "connect_timeout",
                                                 "load_balance_hosts"};

constexpr std::string_view kStartupWords[] = {"application_name", "client_encoding", "options"};

// They steer the driver itself, or are what Tidegate does anyway.
constexpr std::string_view kDriverWords[] = {"connection_limit",
                                             "pgbouncer",
                                             "schema",
                                             "socket_timeout",
                                             "statement_cache_size",
                                             "prepared_statement_cache_size",
                                             "max_idle_connection_lifetime",
                                             "max_connection_lifetime",
                                             "single_use_connections",
                                             "prepareThreshold",
                                             "preparedStatements",
                                             "default_query_exec_mode",
                                             "uselibpqcompat",
                                             "supa",
                                             "fallback_application_name",
                                             "gssencmode",
                                             "krbsrvname",
                                             "gsslib",
                                             "keepalives",
                                             "keepalives_idle",
                                             "keepalives_interval",
                                             "keepalives_count",
                                             "tcp_user_timeout",
                                             "sslcompression",
                                             "sslsni",
                                             "sslnegotiation",
                                             "passfile",
                                             "hostaddr",
                                             "pool_max_conns",
                                             "pool_min_conns",
                                             "sslidentity"};

// Other tools' own words that come near to one of ours, and are no misspellings.
constexpr std::string_view kOthersWords[] = {"sslcrl", "ssl_max_protocol_version", "connectTimeout",
                                             "idleTimeout", "poolTimeout"};

// libpq's words for what stands before the question mark (base/url.h).
constexpr std::string_view kAddressWords[] = {"host", "port", "user", "password", "dbname"};

// Settings of an upstream that are no part of what a URL already says by its form.
constexpr std::string_view kFormWords[] = {"url",      "host",     "user",
                                           "password", "database", "parameters"};

bool among(std::string_view word, const auto& words) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

std::string_view setting_name(std::string_view parameter) {
  for (const auto& alias : kAliases) {
    if (alias.parameter == parameter) return alias.setting;
  }
  return parameter;
}

const Setting<Upstream>* find_setting(const Table<Upstream>& table, std::string_view parameter) {
  const auto name = setting_name(parameter);
  return among(name, kFormWords) || among(parameter, kConnectionWords) ? nullptr : table.find(name);
}

void apply_address(Upstream& upstream, const Url& url) {
  upstream.hosts.clear();
  for (const auto& host : url.hosts) {
    upstream.hosts.push_back({.host = host.name.empty() ? "localhost" : host.name,
                              .port = host.port == 0 ? net::Target{}.port : host.port});
  }
  upstream.user = url.user;
  upstream.password = url.password;
  upstream.database = url.database;
}

Done apply_connect_timeout(Upstream& upstream, std::string_view value) {
  // libpq: zero or less waits for ever. Here everything has a limit, so the default stays.
  if (value == "0" || value.starts_with('-')) return {};
  return upstream_settings().find("connect_timeout")->parse(upstream, value);
}

Done apply_min_version(Upstream& upstream, std::string_view value) {
  // What libpq allows below TLS 1.2 is not spoken here at all.
  upstream.tls.min_version = value == "TLSv1.3" ? "1.3" : "1.2";
  if (value.starts_with("TLSv1")) return {};
  return Error("must be TLSv1.2 or TLSv1.3");
}

// Drivers have it as a switch (JDBC, node-postgres) or with the words of sslmode (asyncpg).
std::expected<net::SslMode, std::string> read_ssl(std::string_view value) {
  constexpr std::string_view kOn[] = {"true", "1", "yes", "on"};
  constexpr std::string_view kOff[] = {"false", "0", "no", "off"};
  if (is_one_of(value, kOn)) return net::SslMode::require;
  if (is_one_of(value, kOff)) return net::SslMode::disable;
  if (auto mode = ssl_mode().parse(value)) return mode;
  return Error(fmt::format("must be true, false or a word of `sslmode`, not `{}`", value));
}

Done at_least(Upstream& upstream, const std::expected<net::SslMode, std::string>& mode) {
  if (!mode) return Error(mode.error());
  upstream.ssl_mode = std::max(upstream.ssl_mode, *mode);
  return {};
}

Done apply_channel_binding(Upstream& upstream, std::string_view value) {
  const auto wanted =
      one_of<bool>({{"disable", false}, {"prefer", true}, {"require", true}}).parse(value);
  if (!wanted) return Error(wanted.error());
  upstream.channel_binding = *wanted;
  return {};
}

Done apply_host_order(Upstream& upstream, std::string_view value) {
  // libpq's word; what it is for (that all hosts get their part) is had by turns, too.
  if (same_word(value, "random")) value = "round-robin";
  return upstream_settings().find("load_balance_hosts")->parse(upstream, value);
}

Done apply_connection_word(Upstream& upstream, std::string_view name, std::string_view value) {
  if (name == "connect_timeout") return apply_connect_timeout(upstream, value);
  if (name == "ssl_min_protocol_version") return apply_min_version(upstream, value);
  if (name == "channel_binding") return apply_channel_binding(upstream, value);
  if (name == "load_balance_hosts") return apply_host_order(upstream, value);
  if (name == "ssl") return at_least(upstream, read_ssl(value));
  // Prisma's.
  return at_least(upstream, one_of<net::SslMode>({{"strict", net::SslMode::verify_full},
                                                  {"accept_invalid_certs", net::SslMode::disable}})
                                .parse(value));
}

Done apply_parameter(Upstream& upstream, const Table<Upstream>& table, const std::string& name,
                     const std::string& value) {
  if (among(name, kStartupWords)) {
    upstream.startup_parameters.emplace_back(name, value);
    return {};
  }
  if (among(name, kConnectionWords)) return apply_connection_word(upstream, name, value);
  const auto* setting = find_setting(table, name);
  return setting == nullptr ? Done{} : setting->parse(upstream, value);
}

std::string warning_about(const std::string& name, const std::string& value) {
  if (name == "channel_binding" && same_word(value, "require")) {
    return "`channel_binding=require` is treated as `prefer`: it is used if the server offers it";
  }
  if (name == "target_session_attrs") {
    return value == "any" ? "" : "`target_session_attrs` is ignored: any host will do that answers";
  }
  return "";
}

// What a parameter may be that is not ignored.
std::vector<std::string_view> effective_words(const Table<Upstream>& upstream_table,
                                              const Table<Route>& pool_table) {
  std::vector<std::string_view> words;
  upstream_table.add_names(words);
  std::erase_if(words, [](std::string_view word) { return among(word, kFormWords); });
  pool_table.add_names(words);
  for (const auto& alias : kAliases) words.push_back(alias.parameter);
  words.insert(words.end(), std::begin(kConnectionWords), std::end(kConnectionWords));
  words.insert(words.end(), std::begin(kStartupWords), std::end(kStartupWords));
  words.insert(words.end(), std::begin(kAddressWords), std::end(kAddressWords));
  words.push_back("target_session_attrs");
  return words;
}

// One or two letters off; what is further away may as well be a word of another tool.
bool is_misspelling(std::string_view name, std::string_view meant) {
  constexpr std::size_t kShort = 5;
  const int allowed = meant.size() <= kShort ? 1 : 2;
  return !meant.empty() && !among(name, kOthersWords) && edit_distance(name, meant) <= allowed;
}

void review_unknown(const std::string& name, const std::vector<std::string_view>& known,
                    const Place& place, Problems& problems) {
  if (const auto meant = nearest(name, known); is_misspelling(name, meant)) {
    return problems.error(
        place, fmt::format("unknown parameter `{}` in the URL: did you mean `{}`?", name, meant));
  }
  problems.warning(place, fmt::format("unknown parameter `{}` in the URL is ignored", name));
}

}  // namespace

Done apply_url(Upstream& upstream, std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return Error(fmt::format("is wrong: {}", url.error()));
  if (url->scheme == "mysql") return Error("must be a postgres:// URL, not a mysql:// one");
  apply_address(upstream, *url);
  const auto table = upstream_settings();
  // sslmode first: `ssl` and `sslaccept` can only ask for more, but for a word of sslmode that
  // stands in `ssl` alone.
  const auto* ssl = url->parameter("ssl");
  if (const auto* mode = url->parameter("sslmode")) {
    const auto done = table.find("sslmode")->parse(upstream, *mode);
    if (!done) return Error(fmt::format("is wrong: `sslmode` {}", done.error()));
  } else if (ssl != nullptr) {
    if (const auto alone = ssl_mode().parse(*ssl)) upstream.ssl_mode = *alone;
  }
  for (const auto& [name, value] : url->parameters) {
    if (name == "sslmode") continue;
    const auto done = apply_parameter(upstream, table, name, value);
    if (!done) return Error(fmt::format("is wrong: `{}` {}", name, done.error()));
  }
  return {};
}

Done apply_pool_words(Route& route, const Url& url) {
  const auto table = pool_settings();
  for (const auto& [name, value] : url.parameters) {
    const auto* setting = table.find(name);
    if (setting == nullptr) continue;
    const auto done = setting->parse(route, value);
    if (!done) return Error(fmt::format("is wrong: `{}` {}", name, done.error()));
  }
  return {};
}

void review_url(const Url& url, bool pool_words_used, const Place& place, Problems& problems) {
  const auto upstream_table = upstream_settings();
  const auto pool_table = pool_settings();
  const auto known = effective_words(upstream_table, pool_table);
  for (const auto& [name, value] : url.parameters) {
    if (auto special = warning_about(name, value); !special.empty()) {
      problems.warning(place, std::move(special));
    } else if (pool_table.find(name) != nullptr) {
      if (pool_words_used) continue;
      problems.warning(place, fmt::format("`{}` in the URL is ignored: write it in [pool]", name));
    } else if (!among(name, known) && !among(name, kDriverWords)) {
      review_unknown(name, known, place, problems);
    }
  }
}

}  // namespace tidegate::config
