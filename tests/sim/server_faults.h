// What a simulated PostgreSQL may do wrong, and the options of one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tidegate::sim {

enum class ServerFault : std::uint8_t {
  death_before,    // dies instead of running a message
  death_after,     // runs it, then dies without a reply
  death_in_reply,  // dies in the middle of the reply
  death_at_login,
  death_idle,        // one session is ended by an administrator
  restart,           // all of them are, and logins are refused for a while
  start_refused,     // 57P03 while it starts
  too_many_clients,  // 53300
  slow_login,
  slow_statement,
  slow_cancel,
  odd_notice,     // a NOTICE that nobody asked for
  odd_parameter,  // a ParameterStatus that nobody asked for
  count_,
};

inline constexpr std::size_t kServerFaults = static_cast<std::size_t>(ServerFault::count_);
inline constexpr std::array<std::string_view, kServerFaults> kServerFaultNames = {
    "death_before", "death_after",   "death_in_reply",   "death_at_login", "death_idle",
    "restart",      "start_refused", "too_many_clients", "slow_login",     "slow_statement",
    "slow_cancel",  "odd_notice",    "odd_parameter",
};

using ServerFaultMenu = std::array<std::uint16_t, kServerFaults>;  // chances in 10,000
using ServerFaultCounts = std::array<std::uint64_t, kServerFaults>;

struct ServerOptions {
  ServerFaultMenu menu{};
  int sessions_max = 100;    // max_connections
  int budget = 0;            // more sessions than this are a finding; 0 = not checked
  Duration close_grace{5s};  // a session whose peer closed longer ago does not count
  std::string password;      // empty: trust; else SCRAM-SHA-256
  bool tls = false;
  Duration statement_time_max{500us};
  std::function<void(const std::string&)> trace;  // null: no trace
};

}  // namespace tidegate::sim
