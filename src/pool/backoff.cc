#include "pool/backoff.h"

#include <algorithm>

#include "pool/chance.h"

namespace tidegate::pool {
namespace {
constexpr int kDoublingsMax = 30;
constexpr int kJitterPercent = 25;
}  // namespace

void Backoff::failed(Instant now, Duration first, Duration max, std::uint64_t seed) {
  if (resting(now)) return;
  Duration wait = first;
  for (int i = 0; i < std::min(failures_, kDoublingsMax) && wait < max; ++i) wait *= 2;
  ++failures_;
  const auto chance = scramble(seed ^ scramble(static_cast<std::uint64_t>(now.ns)));
  retry_at_ = now + shortened(std::min(wait, max), kJitterPercent, chance);
}

}  // namespace tidegate::pool
