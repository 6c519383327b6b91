#include "proxy/last_failure.h"

#include <gtest/gtest.h>

namespace tidegate::proxy {
namespace {

const session::Failure kRefused = {
    .reason = Reason::server_login_failed, .detail = "no role \"a\"", .sqlstate = "53300"};
const session::Failure kDown = {.reason = Reason::connect_failed, .detail = "db:5432: refused"};

TEST(LastFailure, ARefusalIsExplainedByTheFailureOfItsReasonOnly) {
  LastFailure route, upstream;
  route.set(kDown, Instant{1});
  EXPECT_EQ(explain(Reason::connect_failed, route, upstream).detail, "db:5432: refused");
  const auto other = explain(Reason::pool_timeout, route, upstream);
  EXPECT_EQ(other.reason, Reason::pool_timeout);
  EXPECT_EQ(other.detail, "");
}

TEST(LastFailure, TheLaterOfTwoIsTold) {
  LastFailure route, upstream;
  route.set({.reason = Reason::connect_failed, .detail = "old"}, Instant{1});
  upstream.set(kDown, Instant{2});
  EXPECT_EQ(explain(Reason::connect_failed, route, upstream).detail, "db:5432: refused");
  route.set({.reason = Reason::connect_failed, .detail = "own"}, Instant{2});
  EXPECT_EQ(explain(Reason::connect_failed, route, upstream).detail, "own");
}

TEST(LastFailure, WhatTheDatabaseSaidToAnotherRouteIsNotRepeated) {
  LastFailure route, upstream;
  upstream.set(kRefused, Instant{1});
  const auto told = explain(Reason::server_login_failed, route, upstream);
  EXPECT_EQ(told.detail, "");
  EXPECT_EQ(told.sqlstate, "53300");
  route.set(kRefused, Instant{1});
  EXPECT_EQ(explain(Reason::server_login_failed, route, upstream).detail, "no role \"a\"");
}

}  // namespace
}  // namespace tidegate::proxy
