// How long to leave a database alone after it refused us. The first wait is short and each further
// failure doubles it up to a cap; up to a quarter is taken off by chance, so that many poolers do
// not knock in step. While troubled() only one attempt at a time should be made.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace tidegate::pool {

class Backoff {
 public:
  // Several attempts that were under way together fail together: those that fail before retry_at()
  // belong to the failure already counted.
  void failed(Instant now, Duration first, Duration max, std::uint64_t seed);
  void succeeded() { *this = {}; }

  bool troubled() const { return failures_ > 0; }
  bool resting(Instant now) const { return troubled() && now < retry_at_; }
  Instant retry_at() const { return retry_at_; }

 private:
  int failures_ = 0;
  Instant retry_at_;
};

}  // namespace tidegate::pool
