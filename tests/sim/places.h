// Where everybody lives in the simulated world, and the secrets they share.
#pragma once

#include <string>
#include <string_view>

#include "net/sim_network.h"

namespace tidegate::sim {

// Of a user, on both sides of the proxy: nobody has another's.
inline std::string password_of(std::string_view user) {
  return "simulated-" + std::string(user);
}

// The hosts of one upstream.
inline net::Address server_address(int upstream, int host) {
  return net::sim_address(0x200000u + static_cast<std::uint32_t>(upstream * 16 + host), 5432);
}
inline constexpr int kDeadHost = 14;
inline constexpr int kSilentHost = 15;

inline net::Address proxy_address() {
  return net::sim_address(0x300000u, 6432);
}
inline net::Address worker_address(int index) {
  return net::sim_address(0x300001u + static_cast<std::uint32_t>(index), 0);
}

}  // namespace tidegate::sim
