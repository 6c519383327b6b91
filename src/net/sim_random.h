// Chance in a simulation: one seed, and everything that looks like luck follows from it. The
// generator is splitmix64, so a stream can be forked for every part of the simulated world and
// parts do not disturb one another's draws.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "base/entropy.h"
#include "base/time.h"

namespace tidegate::net {

class SimRandom final : public Entropy {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 .. bound-1. The bias of the modulo is of no consequence here.
  std::uint64_t below(std::uint64_t bound) {
    TG_CHECK(bound > 0);
    return next() % bound;
  }
  // Both ends included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  Duration between(Duration low, Duration high) {
    return Duration{between(low.count(), high.count())};
  }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  bool percent(unsigned p) { return below(100) < p; }
  SimRandom fork() { return SimRandom{next()}; }

  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(next());
  }

 private:
  std::uint64_t state_;
};

}  // namespace tidegate::net
