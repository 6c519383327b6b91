// Keeps a storm out of the log: so many lines per second of one event, and then one line that says
// how many more there were. Pure: told the time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/time.h"

namespace tidegate::net {

class LogLimiter {
 public:
  static constexpr Duration kWindow = 1s;
  static constexpr std::size_t kEventsMax = 1024;  // kinds; the rest share one allowance

  explicit LogLimiter(int lines_max) : lines_max_(lines_max) {}

  bool admit(LogLevel level, std::string_view event, Instant now);

  struct Omission {
    std::string event;
    LogLevel level = LogLevel::info;
    std::uint64_t count = 0;
  };
  // What was left out in windows that are over.
  std::vector<Omission> take_omissions(Instant now);
  // When to ask for omissions next.
  Instant next_report() const { return next_report_; }

 private:
  struct Window {
    Instant ends;
    int admitted = 0;
    std::uint64_t omitted = 0;
    LogLevel level = LogLevel::info;
  };

  const int lines_max_;
  std::unordered_map<std::string, Window> windows_;
  std::string key_;  // scratch
  Instant next_report_ = Instant::never();
};

}  // namespace tidegate::net
