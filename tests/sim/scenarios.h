// What can be special about a run beside its faults. A campaign counts them like faults: what never
// occurs is not tested.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidegate::sim {

enum class Scenario : std::uint8_t {
  calm,              // no fault that anybody may notice
  drain,             // the process leaves in good order, and another one takes over
  leave_at_once,     // shutdown_timeout passes
  several_hosts,     // an upstream has more than one that lives
  dead_address,      // a host of the upstream refuses connections
  silent_address,    // one never answers
  unknown_host,      // one has no address
  server_trust,      // how servers ask for proof
  server_cleartext,  // over TLS
  server_md5,
  server_scram,
  server_tls_required,  // the upstream's sslmode
  client_trust,         // how clients are asked
  client_cleartext,
  client_md5,
  client_scram,
  client_tls_offered,
  client_tls_required,
  transaction_mode,
  session_mode,
  statement_mode,
  shared_budget,   // several routes of unlike sizes on one upstream
  min_idle,        // servers are kept though nobody asks
  queue_limit,     // queue_max can be reached
  user_limit,      // clients of one user
  database_limit,  // clients of one database
  clients_limit,   // clients of the process
  count_,
};

inline constexpr std::size_t kScenarios = static_cast<std::size_t>(Scenario::count_);
inline constexpr std::array<std::string_view, kScenarios> kScenarioNames = {
    "calm",
    "drain",
    "leave_at_once",
    "several_hosts",
    "dead_address",
    "silent_address",
    "unknown_host",
    "server_trust",
    "server_cleartext",
    "server_md5",
    "server_scram",
    "server_tls_required",
    "client_trust",
    "client_cleartext",
    "client_md5",
    "client_scram",
    "client_tls_offered",
    "client_tls_required",
    "transaction_mode",
    "session_mode",
    "statement_mode",
    "shared_budget",
    "min_idle",
    "queue_limit",
    "user_limit",
    "database_limit",
    "clients_limit",
};

using ScenarioCounts = std::array<std::uint64_t, kScenarios>;  // runs that had it

}  // namespace tidegate::sim
