#include "net/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "net/file_descriptor.h"
#include "net/socket_options.h"

namespace tidegate::net {
namespace {

using Opened = std::expected<FileDescriptor, std::string>;

std::unexpected<std::string> failure(const Address& address, const char* what) {
  return std::unexpected(
      fmt::format("cannot {} {}: {}", what, address.text(), describe_error(errno)));
}

const sockaddr* raw(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

// The file of a unix socket; null for TCP and abstract names.
const char* file_of(const Address& address) {
  if (!address.is_unix()) return nullptr;
  const auto* name = reinterpret_cast<const sockaddr_un*>(&address.storage);
  return name->sun_path[0] == '\0' ? nullptr : name->sun_path;
}

bool somebody_listens(const Address& address) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int result = connect(probe.get(), raw(address), address.length);
  return result == 0 || errno == EAGAIN;  // EAGAIN: alive, with a full backlog
}

Opened bind_unix(FileDescriptor fd, const Address& address, int mode) {
  if (bind(fd.get(), raw(address), address.length) != 0) {
    const char* file = file_of(address);
    if (errno != EADDRINUSE || file == nullptr) return failure(address, "bind to");
    if (somebody_listens(address)) {
      return std::unexpected(fmt::format("another process listens on {}", address.text()));
    }
    if (unlink(file) != 0) return failure(address, "remove the stale socket");
    if (bind(fd.get(), raw(address), address.length) != 0) return failure(address, "bind to");
  }
  // Before listen(), so that nobody gets in under the permissions that the umask left.
  const char* file = file_of(address);
  if (file != nullptr && chmod(file, static_cast<mode_t>(mode)) != 0) {
    return failure(address, "set the permissions of");
  }
  return fd;
}

Opened bind_tcp(FileDescriptor fd, const Address& address, const ListenOptions& options) {
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // So that "::" and "0.0.0.0" can both be listened on, as PostgreSQL does.
  if (address.storage.ss_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd.get(), raw(address), address.length) != 0) return failure(address, "bind to");
  return fd;
}

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity_of(const char* file) {
  struct stat status{};
  if (stat(file, &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

}  // namespace

Listener::Listener(int fd, Address address, ListenOptions options)
    : fd_(fd), address_(address), options_(options) {}

Listener::~Listener() {
  // A successor may have put its own socket at our path: that one stays.
  if (unlink_on_close_) {
    const char* file = file_of(address_);
    const FileIdentity now = identity_of(file);
    if (now == FileIdentity{file_device_, file_inode_}) unlink(file);
  }
  ::close(fd_);
}

std::expected<std::shared_ptr<Listener>, std::string> Listener::open(const Address& address,
                                                                     const ListenOptions& options) {
  FileDescriptor fd(
      socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failure(address, "make a socket for");
  auto bound = address.is_unix() ? bind_unix(std::move(fd), address, options.unix_mode)
                                 : bind_tcp(std::move(fd), address, options);
  if (!bound) return std::unexpected(bound.error());
  if (listen(bound->get(), options.backlog) != 0) return failure(address, "listen on");
  auto listener = from_descriptor(bound->release(), options);
  if (listener && file_of(address) != nullptr) {
    const auto identity = identity_of(file_of(address));
    (*listener)->file_device_ = identity.device;
    (*listener)->file_inode_ = identity.inode;
    (*listener)->unlink_on_close_ = true;
  }
  return listener;
}

std::expected<std::shared_ptr<Listener>, std::string> Listener::from_descriptor(
    int fd, const ListenOptions& options) {
  FileDescriptor owned(fd);
  int listening = 0;
  socklen_t length = sizeof listening;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
    return std::unexpected(fmt::format("descriptor {} is not a listening socket", fd));
  }
  const auto address = local_address_of(fd);
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (!address.is_unix()) {
    apply_tcp_options(fd, options.tcp);
    if (options.defer_accept) set_defer_accept(fd);
  }
  return std::shared_ptr<Listener>(new Listener(owned.release(), address, options));
}

}  // namespace tidegate::net
