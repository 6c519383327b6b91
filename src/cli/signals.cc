#include "cli/signals.h"

#include <ctime>

#include "net/log_writer.h"

namespace tidegate::cli {
namespace {

constexpr long kDrainLookNs = 10'000'000;  // how often a leaving process counts who is left

// The next signal; 0 when `look_again` and some time has passed.
int next_signal(const sigset_t& set, bool look_again) {
  const timespec step{0, kDrainLookNs};
  const int signal = look_again ? sigtimedwait(&set, nullptr, &step) : sigwaitinfo(&set, nullptr);
  return signal < 0 ? 0 : signal;
}

// What becomes of the file, the writer says itself.
void reopen(Log& log) {
  log.write(LogLevel::info, "SIGHUP", {{"configuration", "not read again: that takes a restart"}});
  if (auto* writer = dynamic_cast<net::LogWriter*>(&log)) writer->reopen();
}

}  // namespace

sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

Order next_order(const sigset_t& set, bool look_again, Log& log) {
  switch (next_signal(set, look_again)) {
    case SIGTERM:
    case SIGINT:
      return Order::leave;
    case SIGQUIT:
      return Order::leave_at_once;
    case SIGHUP:
      reopen(log);
      break;
    case SIGUSR1:
      log.write(LogLevel::warning, "SIGUSR1: PAUSE was asked for, and is not there yet",
                {{"detail", "nothing was paused: clients are served as before"}});
      break;
    case SIGUSR2:
      log.write(LogLevel::warning, "SIGUSR2: RESUME was asked for, and is not there yet",
                {{"detail", "nothing is ever paused"}});
      break;
  }
  return Order::none;
}

}  // namespace tidegate::cli
