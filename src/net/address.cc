#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace tidegate::net {
namespace {

constexpr socklen_t kUnixPathOffset = offsetof(sockaddr_un, sun_path);

template <typename T>
T read_as(const sockaddr_storage& storage) {
  T out{};
  std::memcpy(&out, &storage, sizeof out);
  return out;
}

template <typename T>
void store(const T& in, Address& out) {
  out = {};
  std::memcpy(&out.storage, &in, sizeof in);
  out.length = sizeof in;
}

std::string unix_path(const Address& address) {
  if (address.length <= kUnixPathOffset) return {};
  const auto name = read_as<sockaddr_un>(address.storage);
  const std::size_t length = address.length - kUnixPathOffset;
  if (name.sun_path[0] == '\0') return "@" + std::string(name.sun_path + 1, length - 1);
  return std::string(name.sun_path, strnlen(name.sun_path, length));
}

// libpq names the directory of a socket; everybody else names the socket.
std::string socket_path(const std::string& host, int port) {
  const auto base = host.substr(host.rfind('/') + 1);
  if (port == 0 || base.starts_with(".s.")) return host;
  return fmt::format("{}/.s.PGSQL.{}", host, port);
}

bool parse_unix(const std::string& path, Address& out) {
  sockaddr_un name{};
  const bool abstract = path[0] == '@';
  // A path ends with a zero byte, an abstract name begins with one.
  if (path.size() < 2 || path.size() + (abstract ? 0 : 1) > sizeof name.sun_path) return false;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  if (abstract) name.sun_path[0] = '\0';
  store(name, out);
  out.length = kUnixPathOffset + static_cast<socklen_t>(path.size() + (abstract ? 0 : 1));
  return true;
}

bool parse_ipv4(const std::string& host, int port, Address& out) {
  sockaddr_in name{};
  if (inet_pton(AF_INET, host.c_str(), &name.sin_addr) != 1) return false;
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  store(name, out);
  return true;
}

bool parse_ipv6(std::string host, int port, Address& out) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  sockaddr_in6 name{};
  if (const auto percent = host.find('%'); percent != std::string::npos) {
    name.sin6_scope_id = if_nametoindex(host.c_str() + percent + 1);
    if (name.sin6_scope_id == 0) return false;
    host.resize(percent);
  }
  if (inet_pton(AF_INET6, host.c_str(), &name.sin6_addr) != 1) return false;
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(static_cast<std::uint16_t>(port));
  store(name, out);
  return true;
}

}  // namespace

std::string Address::host_text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto name = read_as<sockaddr_in>(storage);
    return inet_ntop(AF_INET, &name.sin_addr, text, sizeof text);
  }
  if (storage.ss_family == AF_INET6) {
    const auto name = read_as<sockaddr_in6>(storage);
    return inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof text);
  }
  return is_unix() ? "unix" : "unknown";
}

std::string Address::text() const {
  if (is_unix()) return "unix:" + unix_path(*this);
  if (storage.ss_family == AF_INET6) return fmt::format("[{}]:{}", host_text(), port());
  return fmt::format("{}:{}", host_text(), port());
}

int Address::port() const {
  if (storage.ss_family == AF_INET) return ntohs(read_as<sockaddr_in>(storage).sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(read_as<sockaddr_in6>(storage).sin6_port);
  return 0;
}

bool Address::operator==(const Address& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

bool parse_address(const std::string& host, int port, Address& out) {
  if (host.empty() || port < 0 || port > 65535) return false;
  if (host[0] == '/' || host[0] == '@') return parse_unix(socket_path(host, port), out);
  return parse_ipv4(host, port, out) || parse_ipv6(host, port, out);
}

}  // namespace tidegate::net
