// What an entry of `listen` stands for. Names are asked for with getaddrinfo, which blocks: this is
// for the start of a process, and for whoever checks what it will be started with.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/address.h"

namespace tidegate::net {

// Every address of `host` that this machine can listen on, at least one: of "*", a literal address,
// the folder of a unix socket or a name. Somebody else may listen there already. The error is for a
// human, and names the host.
std::expected<std::vector<Address>, std::string> addresses_to_listen_on(const std::string& host,
                                                                        int port);

// Which other one of these makes listening on that one needless: the first that is the same, or the
// wildcard of its family. Port 0 is another one each time.
std::optional<std::size_t> included_in(std::span<const Address> all, std::size_t index);

}  // namespace tidegate::net
