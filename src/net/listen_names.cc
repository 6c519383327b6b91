#include "net/listen_names.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/file_descriptor.h"
#include "net/socket_options.h"

namespace tidegate::net {
namespace {

// Why this machine cannot listen there; empty when it can, or when somebody does.
std::string trouble_with_tcp(const Address& address) {
  const FileDescriptor probe(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!probe) return describe_error(errno);
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  const bool fine = bind(probe.get(), raw, address.length) == 0 || errno == EADDRINUSE;
  return fine ? "" : describe_error(errno);
}

// Only the folder counts: a socket that is there is somebody's, or goes.
std::string trouble_with_unix(const Address& address) {
  const auto* name = reinterpret_cast<const sockaddr_un*>(&address.storage);
  if (name->sun_path[0] == '\0') return "";
  const std::string path = name->sun_path;
  const auto folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  if (access(folder.c_str(), W_OK | X_OK) == 0) return "";
  return fmt::format("folder `{}`: {}", folder, describe_error(errno));
}

std::unexpected<std::string> failure(const std::string& host, const std::string& why) {
  return std::unexpected(fmt::format("cannot listen on `{}`: {}", host, why));
}

std::expected<std::vector<Address>, std::string> resolve(const std::string& host, int port) {
  addrinfo* found = nullptr;
  const addrinfo hints{.ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) return failure(host, gai_strerror(status));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &freeaddrinfo);
  std::vector<Address> addresses;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    Address address{.length = each->ai_addrlen};
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

// Whether or not this machine can listen there.
std::expected<std::vector<Address>, std::string> addresses_of(const std::string& host, int port) {
  const bool is_all = host == "*";
  std::vector<Address> found;
  for (const auto& literal :
       is_all ? std::vector<std::string>{"0.0.0.0", "::"} : std::vector{host}) {
    Address address;
    if (parse_address(literal, port, address)) found.push_back(address);
  }
  if (!found.empty()) return found;
  const bool is_path = host.starts_with('/') || host.starts_with('@');
  if (is_path) return failure(host, "too long for the path of a unix socket");
  return resolve(host, port);
}

bool includes(const Address& wide, const Address& address) {
  if (address.is_unix() || wide.is_unix()) return wide == address;
  if (address.port() == 0 || address.port() != wide.port()) return false;
  if (address.storage.ss_family != wide.storage.ss_family) return false;
  const auto host = wide.host_text();
  return wide == address || host == "0.0.0.0" || host == "::";
}

}  // namespace

std::expected<std::vector<Address>, std::string> addresses_to_listen_on(const std::string& host,
                                                                        int port) {
  const auto candidates = addresses_of(host, port);
  if (!candidates) return candidates;
  // A name may have addresses of a family that is switched off here: the others will do.
  std::vector<Address> usable;
  std::string why;
  for (const auto& address : *candidates) {
    auto trouble = address.is_unix() ? trouble_with_unix(address) : trouble_with_tcp(address);
    if (trouble.empty()) {
      usable.push_back(address);
    } else {
      const bool is_name = candidates->size() > 1 || address.host_text() != host;
      why = is_name && !address.is_unix() ? address.host_text() + ": " + trouble : trouble;
    }
  }
  if (usable.empty()) return failure(host, why);
  return usable;
}

std::optional<std::size_t> included_in(std::span<const Address> all, std::size_t index) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == index || !includes(all[i], all[index])) continue;
    const bool same = includes(all[index], all[i]);
    if (!same || i < index) return i;
  }
  return std::nullopt;
}

}  // namespace tidegate::net
