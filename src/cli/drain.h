// The time between the first signal and the end: clients at rest are dismissed, the others finish
// their transactions, and then the databases close their ends, all within shutdown_timeout.
// Meanwhile the log says who is waited for.
#pragma once

#include <chrono>

#include "base/log.h"
#include "cli/service.h"

namespace tidegate::cli {

class Drain {
 public:
  Drain(Service& service, Duration timeout, Log& log)
      : service_(service), timeout_(timeout), log_(log) {}

  // The two steps.
  void await_clients();
  void await_servers();
  // Instead of the two.
  void at_once();
  // Instead of waiting on: whoever is left is told, and has a moment to hear it. A process that
  // ends with input unread resets its connections, and the last words are lost with them.
  void cut_short();

  // Whether nobody is left to wait for in this step.
  bool done();
  // To be asked again and again. False: the time is over.
  bool goes_on();

 private:
  using Clock = std::chrono::steady_clock;
  // Who was dismissed has heard so, or had its time.
  bool listened_to();
  void report(LogLevel level, std::string_view event);

  Service& service_;
  Duration timeout_;
  Log& log_;
  bool awaits_clients_ = true;  // the first step
  Clock::time_point since_, report_at_;
  Clock::time_point unsent_end_, unheard_end_;  // of waiting for last words
};

}  // namespace tidegate::cli
