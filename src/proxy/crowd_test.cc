#include "proxy/crowd.h"

#include <gtest/gtest.h>

namespace tidegate::proxy {
namespace {

pool::RouteCounts held(int in_transactions, int pinned) {
  pool::RouteCounts counts{.held = in_transactions + pinned, .waiting = 7};
  counts.held_by_kind[static_cast<int>(HoldKind::transaction)] = in_transactions;
  counts.held_by_kind[static_cast<int>(HoldKind::pin)] = pinned;
  return counts;
}

TEST(Crowd, ATimeoutTellsWhoHasTheServers) {
  const auto failure =
      describe(Reason::pool_timeout,
               {.counts = held(2, 0), .limits = {.pool_size = 2}, .servers = 2, .budget = 20});
  EXPECT_EQ(failure.reason, Reason::pool_timeout);
  EXPECT_EQ(failure.detail, "servers of the route: 2 in transactions; pool_size 2; 7 more waiting");
  EXPECT_EQ(failure.hint, "");
}

TEST(Crowd, PinsAndTheBudgetAreNamedWhereTheyStandInTheWay) {
  auto counts = held(0, 1);
  counts.closing = 1;
  const auto failure = describe(
      Reason::pool_timeout,
      {.counts = counts, .limits = {.pool_size = 3, .max_overflow = 1}, .servers = 5, .budget = 5});
  EXPECT_EQ(failure.detail,
            "servers of the route: 1 pinned, 1 closing; pool_size 3 and max_overflow 1; 7 more "
            "waiting; the upstream's budget of 5 is used up");
  EXPECT_NE(failure.hint.find("pins_max"), std::string::npos);
}

TEST(Crowd, ARouteWithoutServersSaysSo) {
  const auto failure = describe(Reason::queue_full, {.counts = {}, .limits = {}});
  EXPECT_EQ(failure.detail.substr(0, 33), "servers of the route: none open; ");
}

TEST(Crowd, RefusalsByTheDatabaseAreNotOfACrowd) {
  EXPECT_TRUE(is_of_a_crowd(Reason::overload_shed));
  EXPECT_FALSE(is_of_a_crowd(Reason::connect_failed));
}

}  // namespace
}  // namespace tidegate::proxy
