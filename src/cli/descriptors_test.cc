#include "cli/descriptors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidegate::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

config::Config with(int clients_max, int budget) {
  config::Config config;
  config.clients_max = clients_max;
  config.upstreams.resize(2);
  for (auto& upstream : config.upstreams) upstream.limits.budget = budget;
  return config;
}

TEST(Descriptors, EveryClientServerAndCancelCounts) {
  const auto base = descriptors_needed(with(100, 10), 1);
  EXPECT_GT(base, 100u + 2 * 2 * 10);
  EXPECT_EQ(descriptors_needed(with(101, 10), 1), base + 1);
  EXPECT_EQ(descriptors_needed(with(100, 11), 1), base + 2 * 2);
  EXPECT_GT(descriptors_needed(with(100, 10), 2), base);
}

TEST(Descriptors, ALimitThatSufficesIsNotMentioned) {
  const auto config = with(100, 10);
  const auto needed = descriptors_needed(config, 4);
  EXPECT_EQ(descriptor_shortage(config, 4, needed), std::nullopt);
  EXPECT_NE(descriptor_shortage(config, 4, needed - 1), std::nullopt);
}

TEST(Descriptors, TheAdviceFits) {
  const auto config = with(1000, 10);
  const auto others = descriptors_needed(config, 1) - 1000;
  const auto text = descriptor_shortage(config, 1, 600).value();
  EXPECT_THAT(text, HasSubstr("the limit is 600: raise it"));
  EXPECT_THAT(text, HasSubstr("lower clients_max to " + std::to_string(600 - others)));
  EXPECT_EQ(descriptor_shortage(with(static_cast<int>(600 - others), 10), 1, 600), std::nullopt);
  EXPECT_THAT(descriptor_shortage(config, 1, 50).value(), Not(HasSubstr("clients_max to")));
}

}  // namespace
}  // namespace tidegate::cli
