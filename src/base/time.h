// Time is an argument. An Instant is a point of the monotonic clock, a WallTime a point of the
// calendar; both are handed into every step that needs them, so that a test (or the simulator)
// owns time. Only net/ asks the machine what time it is.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace tidegate {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
  constexpr bool is_never() const { return *this == never(); }

  constexpr auto operator<=>(const Instant&) const = default;
  // Adding to `never`, or adding what would overflow, stays `never`.
  constexpr Instant operator+(Duration d) const {
    std::int64_t sum = 0;
    if (is_never() || __builtin_add_overflow(ns, d.count(), &sum)) return never();
    return {sum};
  }
  constexpr Instant operator-(Duration d) const {
    return is_never() ? *this : Instant{ns - d.count()};
  }
  constexpr Duration operator-(Instant earlier) const { return Duration{ns - earlier.ns}; }
};

// Microseconds since 1970-01-01 UTC.
struct WallTime {
  std::int64_t us = 0;
  constexpr auto operator<=>(const WallTime&) const = default;
};

}  // namespace tidegate
