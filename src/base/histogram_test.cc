#include "base/histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidegate {
namespace {

// What quantile() promises: the value at that rank, at most a sixteenth and a microsecond higher.
void expect_close(Duration got, Duration exact) {
  RC_ASSERT(got >= exact);
  RC_ASSERT(got <= exact + exact / 16 + 1us);
}

std::vector<Duration> some_durations() {
  // From a microsecond to an hour, so that every power of two is met about equally often.
  const auto exponents =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3'600'000)));
  std::vector<Duration> values;
  for (const int seed : exponents) values.push_back(Duration{(1LL << (seed % 42)) + seed});
  return values;
}

Duration exact_quantile(std::vector<Duration> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank = std::ceil(q * static_cast<double>(values.size()));
  return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

RC_GTEST_PROP(Histogram, quantiles_agree_with_a_sorted_list, ()) {
  const auto values = some_durations();
  Histogram histogram;
  for (const auto value : values) histogram.record(value);
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    expect_close(histogram.quantile(q), exact_quantile(values, q));
  }
}

RC_GTEST_PROP(Histogram, merging_is_recording_everything_in_one, ()) {
  const auto left = some_durations();
  const auto right = some_durations();
  Histogram a, b, both;
  for (const auto value : left) a.record(value), both.record(value);
  for (const auto value : right) b.record(value), both.record(value);
  a.merge(b);
  RC_ASSERT(a.count() == both.count());
  RC_ASSERT(a.sum() == both.sum());
  RC_ASSERT(a.max() == both.max());
  for (const double q : {0.01, 0.5, 0.95}) RC_ASSERT(a.quantile(q) == both.quantile(q));
}

TEST(Histogram, is_zero_when_empty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), Duration{0});
  EXPECT_EQ(histogram.count(), 0u);
}

TEST(Histogram, counts_the_absurd_in_its_outer_buckets) {
  Histogram histogram;
  histogram.record(-5s);
  histogram.record(1000h);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.quantile(0.5), Duration{0} + 1us);
  EXPECT_EQ(histogram.quantile(1.0), Duration{1000h});
  EXPECT_EQ(histogram.sum(), Duration{1000h});
}

TEST(Histogram, a_quantile_outside_its_range_is_the_nearest_one) {
  Histogram histogram;
  histogram.record(7ms);
  EXPECT_EQ(histogram.quantile(-1.0), Duration{7ms});
  EXPECT_EQ(histogram.quantile(2.0), Duration{7ms});
}

}  // namespace
}  // namespace tidegate
