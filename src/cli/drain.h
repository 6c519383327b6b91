// The time between the first signal and the end: clients at rest are dismissed, the others finish
// their transactions, for as long as shutdown_timeout allows. Meanwhile the log says who is waited
// for.
#pragma once

#include <chrono>

#include "base/log.h"
#include "cli/service.h"

namespace tidegate::cli {

class Drain {
 public:
  Drain(Service& service, Duration timeout, Log& log)
      : service_(service), timeout_(timeout), log_(log) {}

  void begin();
  bool begun() const { return begun_; }
  // To be asked again and again. False: the time is over.
  bool goes_on();

 private:
  using Clock = std::chrono::steady_clock;
  void report(LogLevel level, std::string_view event);

  Service& service_;
  Duration timeout_;
  Log& log_;
  bool begun_ = false;
  Clock::time_point since_, report_at_;
};

}  // namespace tidegate::cli
