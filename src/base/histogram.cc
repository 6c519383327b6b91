// Buckets 0 to 15 hold one microsecond each; from there on every power of two is cut into 16 equal
// parts, so that a bucket is never wider than a sixteenth of the values in it.
#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidegate {
namespace {

constexpr int kSubBucketBits = 4;
static_assert(1 << kSubBucketBits == Histogram::kSubBuckets);

}  // namespace

int Histogram::bucket_of(std::uint64_t us) {
  if (us < kSubBuckets) return static_cast<int>(us);
  const int shift = std::bit_width(us) - 1 - kSubBucketBits;
  const int sub_bucket = static_cast<int>(us >> shift) - kSubBuckets;
  return std::min((shift + 1) * kSubBuckets + sub_bucket, kBuckets - 1);
}

Duration Histogram::upper_edge(int bucket) {
  if (bucket < kSubBuckets) return std::chrono::microseconds{bucket + 1};
  const int shift = bucket / kSubBuckets - 1;
  const std::int64_t parts = kSubBuckets + bucket % kSubBuckets + 1;
  return std::chrono::microseconds{parts << shift};
}

void Histogram::record(Duration value) {
  value = std::max(value, Duration{0});
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(value).count();
  ++buckets_[static_cast<std::size_t>(bucket_of(static_cast<std::uint64_t>(us)))];
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

Duration Histogram::quantile(double q) const {
  if (count_ == 0) return Duration{0};
  const double share = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets - 1; ++bucket) {
    seen += buckets_[static_cast<std::size_t>(bucket)];
    if (seen >= rank) return std::min(upper_edge(bucket), max_);
  }
  return max_;
}

}  // namespace tidegate
