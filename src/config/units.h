// Durations and sizes as people write them: "30s", "1.5h", "64kB". A number alone is seconds, or
// bytes. What is printed reads back as the same value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tidegate::config {

// Units: ns, us, ms, s, min (or m), h, d. Nothing when the text is no duration, is negative, or
// does not fit.
std::optional<Duration> parse_duration(std::string_view text);
// The largest unit that leaves a whole number: "90s", "1h", "0s".
std::string print_duration(Duration duration);

// Units: B, kB, MB, GB (1024, as PostgreSQL counts them).
std::optional<std::uint64_t> parse_bytes(std::string_view text);
std::string print_bytes(std::uint64_t bytes);

// A whole decimal number and nothing else.
std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace tidegate::config
