// Reads a connection URL from left to right: scheme, user and password, hosts, database,
// parameters. The grammar is libpq's (PostgreSQL manual, "Connection URIs"), with one exception: a
// bare `@` where libpq would take it for a part of a host or database is refused, because it nearly
// always means that a password was not percent-encoded and was cut in the middle.
#include "base/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace tidegate {
namespace {

using Error = std::unexpected<std::string>;

constexpr std::string_view kEncodeHint =
    "(in a user or password, write `@` as %40, `/` as %2F, `:` as %3A, `?` as %3F, `%` as %25)";

// The parts of a URL, still percent-encoded.
struct Parts {
  std::string_view scheme, user, password, hosts, database, query;
  bool has_user = false;
  bool has_password = false;
};

// Cuts `text` at the first of `separators`; the separator belongs to neither side.
std::string_view cut(std::string_view& text, std::string_view separators) {
  const auto end = text.find_first_of(separators);
  const auto head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

std::expected<Parts, std::string> split(std::string_view text) {
  Parts parts;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    return Error("not a connection URL: it must begin with postgres://");
  }
  parts.scheme = text.substr(0, scheme_end);
  text.remove_prefix(scheme_end + 3);

  auto authority = text.substr(0, text.find_first_of("/?"));
  text.remove_prefix(authority.size());
  if (const auto at = authority.find('@'); at != std::string_view::npos) {
    parts.has_user = true;
    auto login = authority.substr(0, at);
    parts.has_password = login.find(':') != std::string_view::npos;
    parts.user = cut(login, ":");
    parts.password = login;
    authority.remove_prefix(at + 1);
  }
  parts.hosts = authority;
  if (text.starts_with('/')) {
    text.remove_prefix(1);
    parts.database = text.substr(0, text.find('?'));
    text.remove_prefix(parts.database.size());
  }
  if (text.starts_with('?')) parts.query = text.substr(1);
  return parts;
}

bool has_stray_at(const Parts& parts) {
  return parts.hosts.find('@') != std::string_view::npos ||
         parts.database.find('@') != std::string_view::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    // A zero byte cannot travel in the protocol's strings.
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::expected<int, std::string> parse_port(std::string_view text) {
  int port = 0;
  if (text.empty()) return port;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    return Error(fmt::format("a port must be a number from 1 to 65535 {}", kEncodeHint));
  }
  return port;
}

std::expected<Url::Host, std::string> parse_host(std::string_view text) {
  Url::Host host;
  std::string_view name;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return Error("an IPv6 address lacks its `]`");
    name = text.substr(1, bracket - 1);
    text.remove_prefix(bracket + 1);
    if (name.empty()) return Error("an IPv6 address is empty");
    if (!text.empty() && !text.starts_with(':')) return Error("only a port may follow a `]`");
    if (!text.empty()) text.remove_prefix(1);
  } else {
    name = cut(text, ":");
  }
  const auto port = parse_port(text);
  if (!port) return Error(port.error());
  const auto decoded_name = decoded(name);
  if (!decoded_name) return Error("a host is not valid percent-encoding");
  host.name = *decoded_name;
  host.port = *port;
  return host;
}

std::expected<std::vector<Url::Host>, std::string> parse_hosts(std::string_view text) {
  std::vector<Url::Host> hosts;
  for (bool more = true; more;) {
    more = text.find(',') != std::string_view::npos;
    const auto host = parse_host(cut(text, ","));
    if (!host) return Error(host.error());
    hosts.push_back(*host);
  }
  return hosts;
}

// ?port=5433 or ?port=5433,5434: one for all hosts, or one for each.
std::expected<void, std::string> set_ports(Url& url, std::string_view text) {
  const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')) + 1;
  if (count != 1 && count != url.hosts.size()) {
    return Error(fmt::format("{} ports for {} hosts", count, url.hosts.size()));
  }
  for (auto& host : url.hosts) {
    const auto port = parse_port(count == 1 ? text : cut(text, ","));
    if (!port) return Error(port.error());
    host.port = *port;
  }
  return {};
}

// ?host=a,b or ?host=/run/postgresql: names only, ports stand apart.
void set_hosts(Url& url, std::string_view text) {
  const int port = url.hosts.front().port;
  url.hosts.clear();
  for (bool more = true; more;) {
    more = text.find(',') != std::string_view::npos;
    url.hosts.push_back({std::string(cut(text, ",")), port});
  }
}

// Ports come last: how many there may be depends on the hosts.
std::expected<void, std::string> fold_keywords(Url& url) {
  std::optional<std::string> ports;
  std::vector<std::pair<std::string, std::string>> rest;
  for (auto& [name, value] : url.parameters) {
    if (name == "host") {
      set_hosts(url, value);
    } else if (name == "port") {
      ports = value;
    } else if (name == "user") {
      url.user = value;
    } else if (name == "password") {
      url.password = value;
      url.has_password = true;
    } else if (name == "dbname") {
      url.database = value;
    } else {
      rest.emplace_back(std::move(name), std::move(value));
    }
  }
  url.parameters = std::move(rest);
  return ports ? set_ports(url, *ports) : std::expected<void, std::string>{};
}

std::expected<void, std::string> parse_query(std::string_view query, Url& url) {
  while (!query.empty()) {
    auto pair = cut(query, "&");
    if (std::count(pair.begin(), pair.end(), '=') != 1) {
      return Error("every parameter after the `?` must read name=value");
    }
    const auto name = decoded(cut(pair, "="));
    const auto value = decoded(pair);
    if (!name || !value) return Error("a parameter is not valid percent-encoding");
    if (name->empty()) return Error("a parameter after the `?` has no name");
    url.parameters.emplace_back(*name, *value);
  }
  return fold_keywords(url);
}

// A password parameter is masked whatever its letters are encoded as.
std::string redacted_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    auto pair = cut(query, "&");
    const auto name = cut(pair, "=");
    const bool secret = decoded(name).value_or("").ends_with("password");
    out += fmt::format("{}{}={}", out.empty() ? "?" : "&", name, secret ? "***" : pair);
  }
  return out;
}

}  // namespace

const std::string* Url::parameter(std::string_view name) const {
  // The last one counts, as in libpq.
  const auto found = std::find_if(parameters.rbegin(), parameters.rend(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == parameters.rend() ? nullptr : &found->second;
}

std::expected<Url, std::string> parse_url(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return Error(parts.error());
  Url url;
  url.scheme = lower_case(parts->scheme);
  if (url.scheme != "postgres" && url.scheme != "postgresql" && url.scheme != "mysql") {
    return Error("not a connection URL: it must begin with postgres://");
  }
  if (has_stray_at(*parts)) return Error(fmt::format("an `@` too many {}", kEncodeHint));

  const auto user = decoded(parts->user);
  const auto password = decoded(parts->password);
  const auto database = decoded(parts->database);
  if (!user || !password || !database) {
    return Error(
        fmt::format("user, password or database is not valid percent-encoding {}", kEncodeHint));
  }
  url.user = *user;
  url.password = *password;
  url.has_password = parts->has_password;
  url.database = *database;
  auto hosts = parse_hosts(parts->hosts);
  if (!hosts) return Error(hosts.error());
  url.hosts = std::move(*hosts);
  if (const auto query = parse_query(parts->query, url); !query) return Error(query.error());
  return url;
}

std::string redacted(std::string_view url) {
  if (!parse_url(url)) return "***";
  const auto parts = *split(url);
  std::string out = fmt::format("{}://", parts.scheme);
  if (parts.has_user) {
    out += fmt::format("{}{}@", parts.user, parts.has_password ? ":***" : "");
  }
  out += parts.hosts;
  if (!parts.database.empty()) out += fmt::format("/{}", parts.database);
  return out + redacted_query(parts.query);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace tidegate
