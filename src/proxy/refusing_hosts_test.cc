#include "proxy/refusing_hosts.h"

#include <gtest/gtest.h>

namespace tidegate::proxy {
namespace {

constexpr Instant kNow{1'000'000'000'000};

TEST(RefusingHosts, TheOnlyHostHasTheLastWord) {
  RefusingHosts hosts(1);
  EXPECT_EQ(hosts.first_for(7, kNow), 0u);
  EXPECT_TRUE(hosts.failed(7, 1, kNow));
  EXPECT_TRUE(hosts.failed(8, 1, kNow)) << "until somebody is let in";
}

TEST(RefusingHosts, TheNextAttemptBeginsWhereNoneWasRefused) {
  RefusingHosts hosts(3);
  EXPECT_FALSE(hosts.failed(1, 1, kNow));
  EXPECT_EQ(hosts.first_for(0, kNow), 0u);
  EXPECT_EQ(hosts.first_for(1, kNow), 2u);
  EXPECT_EQ(hosts.first_for(4, kNow), 2u);
  EXPECT_FALSE(hosts.failed(1, 1, kNow)) << "the same host again says nothing new";
  EXPECT_FALSE(hosts.failed(2, 1, kNow));
  EXPECT_EQ(hosts.first_for(5, kNow), 0u);
  EXPECT_TRUE(hosts.failed(0, 1, kNow));
}

TEST(RefusingHosts, HostsThatCannotBeReachedArePassedOver) {
  RefusingHosts hosts(3);
  EXPECT_FALSE(hosts.failed(2, 2, kNow));
  EXPECT_EQ(hosts.first_for(0, kNow), 1u);
  EXPECT_TRUE(hosts.failed(1, 3, kNow));
}

TEST(RefusingHosts, OneThatCannotBeReachedIsNotAskedForEver) {
  RefusingHosts hosts(2);
  EXPECT_FALSE(hosts.failed(0, 1, kNow)) << "refused";
  EXPECT_EQ(hosts.first_for(0, kNow), 1u);
  hosts.failed(1, 1, kNow);  // silent
  EXPECT_EQ(hosts.first_for(0, kNow), 0u);
  EXPECT_EQ(hosts.first_for(1, kNow), 1u);
}

TEST(RefusingHosts, OneThatLetsUsInEndsIt) {
  RefusingHosts hosts(2);
  EXPECT_FALSE(hosts.failed(0, 1, kNow));
  hosts.accepted(1, 1, kNow);
  EXPECT_FALSE(hosts.failed(1, 1, kNow)) << "the first may let us in by now";
}

TEST(RefusingHosts, WhoFailedIsAskedAgainAfterAWhile) {
  RefusingHosts hosts(2);
  hosts.failed(0, 1, kNow);
  hosts.accepted(1, 1, kNow);
  EXPECT_EQ(hosts.first_for(0, kNow + RefusingHosts::kAvoided - 1ms), 1u);
  EXPECT_EQ(hosts.first_for(0, kNow + RefusingHosts::kAvoided), 0u);
}

TEST(RefusingHosts, SoIsWhoWasPassedOverOnTheWayToAnother) {
  RefusingHosts hosts(3);
  hosts.accepted(0, 2, kNow);
  EXPECT_EQ(hosts.first_for(0, kNow), 1u);
  EXPECT_EQ(hosts.first_for(2, kNow), 2u);
  hosts.accepted(2, 2, kNow);
  EXPECT_EQ(hosts.first_for(0, kNow), 0u) << "it answers again";
}

TEST(RefusingHosts, AllThatAreAvoidedAreAskedAllTheSame) {
  RefusingHosts hosts(2);
  hosts.failed(0, 2, kNow);
  EXPECT_EQ(hosts.first_for(1, kNow), 1u);
  hosts.accepted(1, 1, kNow);
  hosts.failed(1, 1, kNow);
  EXPECT_EQ(hosts.first_for(1, kNow), 0u) << "that one has failed since";
}

}  // namespace
}  // namespace tidegate::proxy
