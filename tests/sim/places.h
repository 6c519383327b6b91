// Where everybody lives in the simulated world, and the secrets they share.
#pragma once

#include <string_view>

#include "net/sim_network.h"

namespace tidegate::sim {

// Of every user, on both sides of the proxy.
inline constexpr std::string_view kPassword = "simulated";

inline net::Address server_address(int index) {
  return net::sim_address(0x200000u + static_cast<std::uint32_t>(index), 5432);
}
inline net::Address proxy_address() {
  return net::sim_address(0x300000u, 6432);
}
inline net::Address worker_address(int index) {
  return net::sim_address(0x300001u + static_cast<std::uint32_t>(index), 0);
}

}  // namespace tidegate::sim
