// What tests and benchmarks of pure code give where a log and chance are asked for.
#pragma once

#include <algorithm>

#include "base/entropy.h"
#include "base/log.h"

namespace tidegate::testing {

// The same bytes in every run, so that a recorded proof is right.
class FixedEntropy : public Entropy {
 public:
  void fill(MutableBytes out) override { std::ranges::fill(out, 7); }
};

class QuietLog : public Log {
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool enabled(LogLevel) const override { return false; }
};

}  // namespace tidegate::testing
