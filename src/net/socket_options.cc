#include "net/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace tidegate::net {
namespace {

void set(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

void apply_tcp_options(int fd, const ConnectOptions& options) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepalive) {
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (options.keepalive_idle_s > 0) set(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_idle_s);
    if (options.keepalive_interval_s > 0) {
      set(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive_interval_s);
    }
    if (options.keepalive_count > 0) set(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_count);
  }
  if (options.user_timeout > Duration{0}) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(options.user_timeout).count();
    const std::int64_t most = std::numeric_limits<int>::max();
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(std::min<std::int64_t>(ms, most)));
  }
}

void set_defer_accept(int fd) {
  set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
}

Address local_address_of(int fd) {
  Address out;
  out.length = sizeof out.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage), &out.length) != 0) return {};
  return out;
}

Address peer_address_of(int fd) {
  Address out;
  out.length = sizeof out.storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&out.storage), &out.length) != 0) return {};
  return out;
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

CloseReason close_reason_of(int error, bool connecting) {
  switch (error) {
    case ETIMEDOUT:
      return CloseReason::connect_timeout;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
      return CloseReason::out_of_descriptors;
    default:
      return connecting ? CloseReason::connect_refused : CloseReason::reset;
  }
}

std::string describe_error(int error) {
  return std::generic_category().message(error);
}

}  // namespace tidegate::net
