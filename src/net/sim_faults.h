// What can go wrong in the simulated world, how often, and how often it did. A run draws its own
// menu (some runs are calm, some have one plague only), and a campaign adds up the counts: a fault
// that never fires is a hole in the simulation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidegate::net {

enum class SimFault : std::uint8_t {
  split_segment,  // one send arrives as several pieces, each with its own delay
  coalesced,      // a send is held back until others stand behind it: one read gives several
  short_read,     // a read gives less than there is
  short_write,    // a send takes less than fits
  narrow_buffer,  // a connection with a small send window
  slow_connect,
  connect_refused,
  connect_timeout,  // nobody answers
  link_reset,       // a middlebox resets both ends
  clog,             // a direction stands still for a while
  out_of_descriptors,
  dns_failure,
  wall_jump,     // the calendar is set
  time_leap,     // everybody stood still (a suspended machine)
  worker_stall,  // one worker's turn comes late
  tls_failure,
  count_,
};

inline constexpr std::size_t kSimFaults = static_cast<std::size_t>(SimFault::count_);

inline constexpr std::array<std::string_view, kSimFaults> kSimFaultNames = {
    "split_segment", "coalesced",    "short_read",         "short_write",
    "narrow_buffer", "slow_connect", "connect_refused",    "connect_timeout",
    "link_reset",    "clog",         "out_of_descriptors", "dns_failure",
    "wall_jump",     "time_leap",    "worker_stall",       "tls_failure",
};

// Chances in 10,000, each time the fault could happen. clog, wall_jump, time_leap and link_reset
// have no occasion of their own: they are drawn once per simulated 10 ms.
using SimFaultMenu = std::array<std::uint16_t, kSimFaults>;
using SimFaultCounts = std::array<std::uint64_t, kSimFaults>;

}  // namespace tidegate::net
