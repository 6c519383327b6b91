#include "cli/stragglers.h"

#include <gtest/gtest.h>

namespace tidegate::cli {
namespace {

Straggler straggler(std::string user, Duration since) {
  return {.user = std::move(user),
          .database = "shop",
          .address = "10.0.0.7:5123",
          .doing = "in a transaction",
          .since = since};
}

TEST(Stragglers, TheLongestIsNamedFirst) {
  EXPECT_EQ(describe({straggler("new", 1s), straggler("old", 34500ms)}),
            "old@shop from 10.0.0.7:5123 in a transaction for 34s; "
            "new@shop from 10.0.0.7:5123 in a transaction for 1s");
  EXPECT_EQ(describe({}), "");
}

TEST(Stragglers, ACrowdIsCounted) {
  std::vector<Straggler> crowd(17, straggler("app", 1s));
  const auto text = describe(crowd);
  EXPECT_TRUE(text.ends_with("for 1s; and 12 more")) << text;
}

}  // namespace
}  // namespace tidegate::cli
