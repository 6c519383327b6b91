// What the clients of one run share: where to connect, what to expect of the world, and the counts.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "auth/scram.h"
#include "net/sim_network.h"
#include "sim/ledger.h"
#include "sim/workload.h"

namespace tidegate::sim {

// What clients do to make life hard, counted like faults.
enum class Whim : std::uint8_t {
  slow_reader,
  slow_writer,
  think_long,
  cancel,
  cancel_and_go_on,   // sends the next query without waiting for the cancel to be taken
  leave_politely,     // Terminate, then waits for the end
  leave_after_query,  // INSERT and Terminate in one write, then waits for the end
  leave_at_once,      // ... and closes without reading
  half_close,         // INSERT, then closes its sending side
  reset_mid_query,
  vanish,          // closes without a word
  leave_in_login,  // gives up before it is logged in
  count_,
};
inline constexpr std::size_t kWhims = static_cast<std::size_t>(Whim::count_);
inline constexpr std::array<std::string_view, kWhims> kWhimNames = {
    "slow_reader",    "slow_writer",       "think_long",    "cancel",     "cancel_and_go_on",
    "leave_politely", "leave_after_query", "leave_at_once", "half_close", "reset_mid_query",
    "vanish",         "leave_in_login",
};

struct ClientTotals {
  std::uint64_t logins = 0;
  std::uint64_t transactions = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t cancelled = 0;
  HabitCounts habits{};
  std::array<std::uint64_t, kWhims> whims{};
  std::map<std::string, std::uint64_t> excused;  // errors by SQLSTATE; "end" = a silent end
};

struct ClientWorld {
  net::SimNetwork& network;
  Ledger& ledger;
  net::Address target;
  ClientTotals& totals;

  // Nothing goes wrong in this run: every reply must come, and be the right one.
  bool calm = false;
  // Connections may break without a word: a middlebox resets them; in direct mode servers die.
  bool links_may_break = false;
  // ... before the login is over: descriptors run out, TLS fails.
  bool logins_may_break = false;
  int depth_max = 8;           // exchanges under way at once
  unsigned whim_percent = 10;  // how often a client is difficult
  int session_transactions_max = 20;
  bool tls = false;
  std::string password;                           // empty: trust
  std::function<void(const std::string&)> trace;  // null: no trace
  // PBKDF2 is dear and always the same: by salt and iterations.
  std::map<std::pair<ByteBuffer, std::uint32_t>, auth::Digest> salted_passwords{};
};

}  // namespace tidegate::sim
