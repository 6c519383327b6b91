// What the clients of one run share: where to connect, what to expect of the world, and the counts.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "auth/scram.h"
#include "net/sim_network.h"
#include "net/tls.h"
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
  cancel_any_time,    // whatever runs, waits or rests just then
  leave_politely,     // Terminate, then waits for the end
  leave_after_query,  // INSERT and Terminate in one write, then waits for the end
  leave_at_once,      // ... and closes without reading
  half_close,         // INSERT, then closes its sending side
  reset_mid_query,
  vanish,          // closes without a word
  leave_in_login,  // gives up before it is logged in
  wrong_password,
  unknown_database,
  tls_at_once,    // no SSLRequest before the handshake
  gss_first,      // asks for GSSAPI encryption before anything else
  tls_in_vain,    // asks for TLS where there is none
  clear_in_vain,  // asks for none where it is required
  count_,
};
inline constexpr std::size_t kWhims = static_cast<std::size_t>(Whim::count_);
inline constexpr std::array<std::string_view, kWhims> kWhimNames = {
    "slow_reader",     "slow_writer",    "think_long",        "cancel",         "cancel_and_go_on",
    "cancel_any_time", "leave_politely", "leave_after_query", "leave_at_once",  "half_close",
    "reset_mid_query", "vanish",         "leave_in_login",    "wrong_password", "unknown_database",
    "tls_at_once",     "gss_first",      "tls_in_vain",       "clear_in_vain",
};

struct ClientTotals {
  std::uint64_t logins = 0;
  std::uint64_t begun = 0;         // transactions
  std::uint64_t transactions = 0;  // that came to their end
  std::uint64_t dismissed = 0;     // by a process that left
  std::uint64_t exchanges = 0;
  std::uint64_t cancelled = 0;
  HabitCounts habits{};
  std::array<std::uint64_t, kWhims> whims{};
  std::map<std::string, std::uint64_t> excused;  // errors by SQLSTATE; "end" = a silent end
};

// What clients could know of the process that serves them: whether it listens, and how often one
// has left.
struct Outlook {
  bool serving = true;
  Instant serving_since{0};
  std::uint64_t leaves = 0;
  std::uint64_t last_at_once = 0;  // the number of the last leave that broke off
};

struct ClientWorld {
  net::SimNetwork& network;
  Ledger& ledger;
  net::Address target;
  ClientTotals& totals;
  const Outlook& outlook;

  // Nothing goes wrong in this run: every reply must come, and be the right one.
  bool calm = false;
  // Connections may break without a word: a middlebox resets them; in direct mode servers die.
  bool links_may_break = false;
  // The server says what nobody asked for. Who has closed by then resets the connection with it,
  // and what was sent before may be lost.
  bool unasked_may_come = false;
  // Connections may break before the login is over: descriptors run out, TLS fails.
  bool logins_may_break = false;
  // The process may leave with bytes that it has not read yet.
  bool process_leaves = false;
  // Longer than the proxy may make anybody wait, in a queue that is as long as there are clients.
  Duration patience{60s};
  Duration think_max{20s};
  int depth_max = 8;           // exchanges under way at once
  unsigned whim_percent = 10;  // how often a client is difficult
  int session_transactions_max = 20;
  net::SslMode tls = net::SslMode::disable;
  bool proven = false;          // a password is asked for
  bool places_limited = false;  // a login may be refused because there are too many clients
  bool direct = false;          // no proxy in between
  std::function<void(const std::string&)> trace;  // null: no trace
  // PBKDF2 is dear and always the same: by password, salt and iterations.
  std::map<std::tuple<std::string, ByteBuffer, std::uint32_t>, auth::Digest> salted_passwords{};
};

}  // namespace tidegate::sim
