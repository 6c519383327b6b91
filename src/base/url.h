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
  };
  std::vector<Host> hosts;
  std::string database;
  std::vector<std::pair<std::string, std::string>> parameters;  // in order

  const std::string* parameter(std::string_view name) const;
};

// The error says what is wrong and never repeats the password.
std::expected<Url, std::string> parse_url(std::string_view text);
// The URL with its password as "***": for logs and error messages.
std::string redacted(std::string_view url);

}  // namespace tidegate
