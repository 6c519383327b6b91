// Where something listens or connects to: a host name and port, a literal address, or the path of
// a unix socket ("/path" or "@abstract"). A Target may still need DNS; an Address does not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace tidegate::net {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  bool is_unix() const { return storage.ss_family == AF_UNIX; }
  // "10.0.0.1:5432", "[::1]:5432", "unix:/run/x/.s.PGSQL.5432"
  std::string text() const;
  // The part without the port, as SHOW CLIENTS prints it; "unix" for unix sockets.
  std::string host_text() const;
  int port() const;
  bool operator==(const Address& other) const;
};

// A literal IPv4/IPv6 address (with or without brackets) or a unix path; false when `host` is a
// name. A unix path is a directory, as libpq has it ("/run/postgresql" and 5432 give
// "/run/postgresql/.s.PGSQL.5432"), unless its last part begins with ".s." or the port is 0.
bool parse_address(const std::string& host, int port, Address& out);

struct Target {
  std::string host;  // name, literal, or unix directory/path as libpq writes it
  int port = 5432;
  bool operator==(const Target&) const = default;
};

}  // namespace tidegate::net
