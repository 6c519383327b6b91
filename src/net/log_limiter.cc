#include "net/log_limiter.h"

#include <algorithm>

namespace tidegate::net {

bool LogLimiter::admit(LogLevel level, std::string_view event, Instant now) {
  key_ = event;
  if (windows_.size() >= kEventsMax && !windows_.contains(key_)) key_ = "other events";
  auto& window = windows_[key_];
  if (window.ends <= now && window.omitted == 0) window = {now + kWindow, 0, 0, level};
  // A window whose omissions are yet to be told goes on until they are.
  if (window.admitted < lines_max_) {
    ++window.admitted;
    return true;
  }
  ++window.omitted;
  window.level = std::max(window.level, level);
  next_report_ = std::min(next_report_, window.ends);
  return false;
}

std::vector<LogLimiter::Omission> LogLimiter::take_omissions(Instant now) {
  std::vector<Omission> out;
  if (now < next_report_) return out;
  next_report_ = Instant::never();
  for (auto& [event, window] : windows_) {
    if (window.omitted == 0) continue;
    if (window.ends > now) {
      next_report_ = std::min(next_report_, window.ends);
      continue;
    }
    out.push_back({event, window.level, window.omitted});
    window = {};
  }
  return out;
}

}  // namespace tidegate::net
