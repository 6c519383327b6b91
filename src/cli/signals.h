// What the process is told by signals: to leave, to open its log anew, and two orders of PgBouncer
// that are not there yet and must not end the process. Only the main thread hears them.
#pragma once

#include <csignal>
#include <cstdint>

#include "base/log.h"

namespace tidegate::cli {

enum class Order : std::uint8_t {
  none,
  leave,          // SIGTERM, SIGINT: transactions are finished first
  leave_at_once,  // SIGQUIT
};

// To be called before any thread starts: whoever does not block them would be ended by one.
sigset_t block_signals();
// Waits for the next signal and does what needs no more than the log; of the rest it says what was
// ordered. `look_again`: it waits for a moment only.
Order next_order(const sigset_t& set, bool look_again, Log& log);

}  // namespace tidegate::cli
