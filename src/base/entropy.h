// Chance is an argument too. Entropy is whatever gives random bytes: the machine's generator in
// production, the seed in a simulation.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tidegate {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint64_t u64() {
    std::uint8_t raw[8];
    fill(raw);
    std::uint64_t value = 0;
    std::memcpy(&value, raw, sizeof value);
    return value;
  }
};

}  // namespace tidegate
