// Chance as a function: the same seed and subject give the same jitter, in any run, on any machine.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace tidegate::pool {

// Spreads 64 bits evenly; one-to-one, so different inputs stay different.
constexpr std::uint64_t scramble(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

// `whole`, shortened by up to `percent` of it.
constexpr Duration shortened(Duration whole, int percent, std::uint64_t chance) {
  const auto span = static_cast<double>(whole.count()) * percent / 100;
  const auto part = static_cast<double>(chance >> 11) / static_cast<double>(std::uint64_t{1} << 53);
  return whole - Duration{static_cast<std::int64_t>(span * part)};
}

}  // namespace tidegate::pool
