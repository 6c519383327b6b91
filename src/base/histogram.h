// Counts durations in log-linear buckets: fixed memory, mergeable, never more than 1/16 too high,
// from one microsecond to nine hours. For wait times, query times, and the simulator's percentiles.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace tidegate {

class Histogram {
 public:
  // A negative duration counts as zero; one beyond the last bucket counts in it.
  void record(Duration value);
  void merge(const Histogram& other);
  std::uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }
  Duration max() const { return max_; }
  // q in [0, 1]; the upper edge of the bucket that holds the quantile, and never above max().
  // Zero when empty.
  Duration quantile(double q) const;

  static constexpr int kSubBuckets = 16;  // per power of two
  static constexpr int kBuckets = 32 * kSubBuckets;

 private:
  static int bucket_of(std::uint64_t us);
  static Duration upper_edge(int bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  Duration sum_{0};
  Duration max_{0};
};

}  // namespace tidegate
