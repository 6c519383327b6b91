#include "proxy/refusing_hosts.h"

#include <gtest/gtest.h>

namespace tidegate::proxy {
namespace {

TEST(RefusingHosts, TheOnlyHostHasTheLastWord) {
  RefusingHosts hosts(1);
  EXPECT_EQ(hosts.first_for(7), 0u);
  EXPECT_TRUE(hosts.failed(7, 1));
  EXPECT_TRUE(hosts.failed(8, 1)) << "until somebody is let in";
}

TEST(RefusingHosts, TheNextAttemptBeginsWhereNoneWasRefused) {
  RefusingHosts hosts(3);
  EXPECT_FALSE(hosts.failed(1, 1));
  EXPECT_EQ(hosts.first_for(0), 0u);
  EXPECT_EQ(hosts.first_for(1), 2u);
  EXPECT_EQ(hosts.first_for(4), 2u);
  EXPECT_FALSE(hosts.failed(1, 1)) << "the same host again says nothing new";
  EXPECT_FALSE(hosts.failed(2, 1));
  EXPECT_EQ(hosts.first_for(5), 0u);
  EXPECT_TRUE(hosts.failed(0, 1));
}

TEST(RefusingHosts, HostsThatCannotBeReachedArePassedOver) {
  RefusingHosts hosts(3);
  EXPECT_FALSE(hosts.failed(2, 2));
  EXPECT_EQ(hosts.first_for(0), 1u);
  EXPECT_TRUE(hosts.failed(1, 3));
}

TEST(RefusingHosts, OneThatCannotBeReachedIsNotAskedForEver) {
  RefusingHosts hosts(2);
  EXPECT_FALSE(hosts.failed(0, 1)) << "refused";
  EXPECT_EQ(hosts.first_for(0), 1u);
  hosts.failed(1, 1);  // silent
  EXPECT_EQ(hosts.first_for(0), 0u);
  EXPECT_EQ(hosts.first_for(1), 1u);
}

TEST(RefusingHosts, OneThatLetsUsInEndsIt) {
  RefusingHosts hosts(2);
  EXPECT_FALSE(hosts.failed(0, 1));
  hosts.accepted();
  EXPECT_EQ(hosts.first_for(0), 0u);
  EXPECT_FALSE(hosts.failed(1, 1));
}

}  // namespace
}  // namespace tidegate::proxy
