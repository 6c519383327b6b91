#include "config/units.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidegate::config {
namespace {

TEST(Units, reads_durations) {
  EXPECT_EQ(parse_duration("30"), Duration{30s});
  EXPECT_EQ(parse_duration("0.5"), Duration{500ms});
  EXPECT_EQ(parse_duration("30s"), Duration{30s});
  EXPECT_EQ(parse_duration("500ms"), Duration{500ms});
  EXPECT_EQ(parse_duration("1.5h"), Duration{90min});
  EXPECT_EQ(parse_duration("10 min"), Duration{10min});
  EXPECT_EQ(parse_duration("10m"), Duration{10min});
  EXPECT_EQ(parse_duration("2d"), Duration{48h});
  EXPECT_EQ(parse_duration("7us"), Duration{7us});
  EXPECT_EQ(parse_duration("0"), Duration{0});
}

TEST(Units, refuses_what_is_no_duration) {
  for (const char* text : {"", "s", "-1", "-1s", "1x", "1 s s", "1..5", "1.5.2s", "0x10", "1e3",
                           "9223372036854775807d", "99999999999999999999", "300000000d"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Units, prints_the_largest_whole_unit) {
  EXPECT_EQ(print_duration(3600s), "1h");
  EXPECT_EQ(print_duration(90s), "90s");
  EXPECT_EQ(print_duration(5min), "5min");
  EXPECT_EQ(print_duration(1500ms), "1500ms");
  EXPECT_EQ(print_duration(Duration{0}), "0s");
  EXPECT_EQ(print_bytes(65536), "64kB");
  EXPECT_EQ(print_bytes(65537), "65537B");
  EXPECT_EQ(print_bytes(0), "0B");
}

TEST(Units, reads_sizes) {
  EXPECT_EQ(parse_bytes("64kB"), 65536u);
  EXPECT_EQ(parse_bytes("1GB"), 1073741824u);
  EXPECT_EQ(parse_bytes("12"), 12u);
  EXPECT_EQ(parse_bytes("1kb"), std::nullopt);
  EXPECT_EQ(parse_bytes("-1"), std::nullopt);
}

RC_GTEST_PROP(Units, what_is_printed_reads_back, ()) {
  const auto ns = *rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max());
  const auto rounded = ns / 1000 * 1000;
  RC_ASSERT(parse_duration(print_duration(Duration{ns})) == Duration{ns});
  RC_ASSERT(parse_duration(print_duration(Duration{rounded})) == Duration{rounded});
  RC_ASSERT(parse_bytes(print_bytes(static_cast<std::uint64_t>(ns))) ==
            static_cast<std::uint64_t>(ns));
}

RC_GTEST_PROP(Units, no_text_is_a_negative_duration, (const std::string& text)) {
  const auto duration = parse_duration(text);
  RC_ASSERT(!duration || *duration >= Duration{0});
}

}  // namespace
}  // namespace tidegate::config
