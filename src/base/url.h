// Connection URLs as libpq understands them: postgres://user:password@host:port,host2/db?key=value.
// Percent-encoding is undone; several hosts, unix socket directories and an empty host are allowed.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate {

struct Url {
  std::string scheme;  // "postgres" or "postgresql" or "mysql", lower case
  std::string user;
  std::string password;
  bool has_password = false;
  struct Host {
    std::string name;  // empty = default; a path for unix sockets; IPv6 without brackets
    int port = 0;      // 0 = default
    bool operator==(const Host&) const = default;
  };
  std::vector<Host> hosts;  // at least one
  std::string database;
  // In order. The keywords host, port, user, password and dbname are not here: as in libpq they
  // replace what stands before the question mark.
  std::vector<std::pair<std::string, std::string>> parameters;

  const std::string* parameter(std::string_view name) const;
  bool operator==(const Url&) const = default;
};

// The error says what is wrong and quotes nothing that could be a part of the password.
std::expected<Url, std::string> parse_url(std::string_view text);
// The URL with its password as "***": for logs and error messages. Of what is not a valid URL
// nothing is left.
std::string redacted(std::string_view url);
// Text as it may stand anywhere in a URL.
std::string percent_encoded(std::string_view text);

}  // namespace tidegate
