#include "config/nearest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidegate::config {
namespace {

TEST(Nearest, counts_edits) {
  EXPECT_EQ(edit_distance("pool_size", "pool_size"), 0);
  EXPECT_EQ(edit_distance("pool_sise", "pool_size"), 1);
  EXPECT_EQ(edit_distance("pol_size", "pool_size"), 1);
  EXPECT_EQ(edit_distance("pool_szie", "pool_size"), 1) << "a swap is one edit";
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
}

RC_GTEST_PROP(Nearest, distance_is_symmetric_and_bounded, ()) {
  const auto letters = rc::gen::container<std::string>(rc::gen::inRange('a', 'e'));
  const auto a = *letters, b = *letters;
  const int distance = edit_distance(a, b);
  RC_ASSERT(distance == edit_distance(b, a));
  RC_ASSERT((distance == 0) == (a == b));
  RC_ASSERT(distance <= static_cast<int>(std::max(a.size(), b.size())));
}

TEST(Nearest, suggests_only_what_is_near) {
  EXPECT_EQ(nearest("pool_tiemout", {"pool_size", "pool_timeout", "idle_timeout"}), "pool_timeout");
  EXPECT_EQ(nearest("banana", {"pool_size", "pool_timeout"}), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), {"pool_size"}), "");
  EXPECT_EQ(did_you_mean("budge", {"budget"}), ": did you mean `budget`?");
  EXPECT_EQ(did_you_mean("budge", {}), "");
}

}  // namespace
}  // namespace tidegate::config
