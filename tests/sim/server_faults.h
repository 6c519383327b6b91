// What a simulated PostgreSQL may do wrong, where in the protocol it may die, and the options of
// one.
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
  death_at_login,  // at one of the steps of a login
  death_at_cancel,
  death_idle,        // one session is ended by an administrator
  restart,           // all of them are, and logins are refused for a while
  start_refused,     // 57P03 while it starts
  too_many_clients,  // 53300
  login_denied,      // 28P01: somebody has just changed the password, and changes it back
  tls_refused,       // N to an SSLRequest, although it could
  tls_error,         // E to an SSLRequest: no process could be started
  slow_login,
  slow_statement,
  slow_cancel,    // takes effect late, or ends late
  odd_notice,     // a NOTICE that nobody asked for
  odd_parameter,  // a ParameterStatus that nobody asked for
  count_,
};

inline constexpr std::size_t kServerFaults = static_cast<std::size_t>(ServerFault::count_);
inline constexpr std::array<std::string_view, kServerFaults> kServerFaultNames = {
    "death_before", "death_after",   "death_in_reply", "death_at_login",   "death_at_cancel",
    "death_idle",   "restart",       "start_refused",  "too_many_clients", "login_denied",
    "tls_refused",  "tls_error",     "slow_login",     "slow_statement",   "slow_cancel",
    "odd_notice",   "odd_parameter",
};

using ServerFaultMenu = std::array<std::uint16_t, kServerFaults>;  // chances in 10,000
using ServerFaultCounts = std::array<std::uint64_t, kServerFaults>;

// Every step of the protocol at which a server can die: by the message that it takes there.
struct DeathStep {
  char message;
  std::string_view name;
};
inline constexpr std::array<DeathStep, 20> kDeathSteps = {{
    {'$', "ssl_request"}, {'%', "tls_hello"}, {'^', "startup"},   {'p', "password"},
    {'w', "welcome"},     {'-', "idle"},      {'Q', "query"},     {'P', "parse"},
    {'B', "bind"},        {'D', "describe"},  {'E', "execute"},   {'C', "close"},
    {'H', "flush"},       {'S', "sync"},      {'d', "copy_data"}, {'c', "copy_done"},
    {'f', "copy_fail"},   {'X', "terminate"}, {'x', "cancel"},    {'r', "restart"},
}};
inline constexpr std::size_t kDeathStepCount = kDeathSteps.size();
using DeathCounts = std::array<std::uint64_t, kDeathStepCount>;
std::size_t death_step_of(char message);

// How a server asks for proof (pg_hba.conf).
enum class ServerAuth : std::uint8_t { trust, cleartext, md5, scram };

struct ServerOptions {
  ServerFaultMenu menu{};
  int sessions_max = 100;    // max_connections
  int budget = 0;            // more sessions than this are a finding; 0 = not checked
  Duration close_grace{5s};  // a session whose peer closed longer ago does not count
  ServerAuth auth = ServerAuth::trust;
  bool tls = false;
  Duration statement_time_max{500us};
  // How many sessions of a database one user may have; more are a finding. Null: not checked.
  std::function<int(const std::string& database)> route_max;
  // The sessions of all hosts of the same upstream, where the budget holds for them together.
  std::function<int()> sessions_everywhere;
  // When the process that is there began. Null: it always was.
  std::function<Instant()> process_since;
  std::function<void(const std::string&)> trace;  // null: no trace
};

}  // namespace tidegate::sim
