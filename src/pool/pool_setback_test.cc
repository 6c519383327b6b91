// What becomes of those who wait when a login fails: who is told at once, and who may still hope.
#include "pool/pool.h"

#include <gtest/gtest.h>

#include "pool/pool_testing.h"

namespace tidegate::pool {
namespace {

using State = Referee::State;
using PoolSetbackTest = PoolTest;

TEST_F(PoolSetbackTest, FatalFailureRefusesAtOnceWhenNoServerLives) {
  const auto route = start({.pool_size = 1});
  want(route, 1);
  want(route, 2);
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed, Setback::of_route);
  EXPECT_EQ(r.waiting(route), 0);
  EXPECT_EQ(refused(), Reason::server_login_failed);
  want(route, 3);
  EXPECT_EQ(refused(), Reason::server_login_failed) << "no login storm while it rests";
  r.tick(100ms);
  want(route, 4);
  EXPECT_EQ(r.count(State::opening), 1) << "then it is tried again";
}

// A cold start: several logins at once, and one host lets nobody in.
TEST_F(PoolSetbackTest, WhileAnotherLoginIsUnderWayARefusalIsNotTheLastWord) {
  const auto route = start({.pool_size = 3});
  for (WaiterId waiter = 1; waiter <= 3; ++waiter) want(route, waiter);
  const auto opening = r.servers_in(State::opening);
  ASSERT_EQ(opening.size(), 3u);
  r.server_failed(opening[0], Reason::server_login_failed, Setback::of_route);
  EXPECT_EQ(r.waiting(route), 3);
  want(route, 4);
  EXPECT_TRUE(r.is_waiting(4)) << "nor for those who come now";
  r.server_ready(opening[1]);
  EXPECT_EQ(held_by(1), opening[1]);
  EXPECT_EQ(r.waiting(route), 3);
}

TEST_F(PoolSetbackTest, TheLastOfSeveralLoginsThatFailsIsTheLastWord) {
  const auto route = start({.pool_size = 2});
  want(route, 1);
  want(route, 2);
  const auto opening = r.servers_in(State::opening);
  r.server_failed(opening[0], Reason::server_login_failed, Setback::of_route);
  ASSERT_EQ(r.waiting(route), 2);
  r.server_failed(opening[1], Reason::connect_failed, Setback::passing);
  EXPECT_EQ(r.waiting(route), 0) << "whatever it failed of: the refusal stands";
  EXPECT_EQ(refused(), Reason::server_login_failed);
}

TEST_F(PoolSetbackTest, ARefusalByOneOfSeveralHostsIsFollowedByAnotherAttempt) {
  const auto route = start({});
  want(route, 1);
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed,
                  Setback::passing_of_route);
  EXPECT_TRUE(r.is_waiting(1));
  want(route, 2);
  EXPECT_TRUE(r.is_waiting(2));
  r.tick(100ms);
  ASSERT_EQ(r.count(State::opening), 1) << "one at a time";
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed, Setback::of_route);
  EXPECT_EQ(r.waiting(route), 0);
  EXPECT_EQ(refused(), Reason::server_login_failed);
}

TEST_F(PoolSetbackTest, ARefusalByOneHostDoesNotDelayAnotherRoute) {
  const auto wrong = start({});
  const auto right = r.add_route({});
  want(wrong, 1);
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed,
                  Setback::passing_of_route);
  want(right, 2);
  EXPECT_EQ(r.count(right, State::opening), 1);
}

TEST_F(PoolSetbackTest, FatalFailureSparesWaitersWhenAnotherServerLives) {
  const auto route = start({.pool_size = 2});
  const auto server = serve(route, 1);
  want(route, 2);
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed, Setback::of_route);
  EXPECT_TRUE(r.is_waiting(2));
  r.server_released(server);
  EXPECT_EQ(held_by(2), server);
}

TEST_F(PoolSetbackTest, WrongPasswordOfOneRouteDoesNotDelayAnother) {
  const auto wrong = start({});
  const auto right = r.add_route({});
  want(wrong, 1);
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed, Setback::of_route);
  want(right, 2);
  EXPECT_EQ(r.count(right, State::opening), 1);
}

TEST_F(PoolSetbackTest, AnUpstreamsLastingSetbackIsToldToAllWhoHaveNothingElseToWaitFor) {
  const auto first = start({.pool_size = 1});
  const auto second = r.add_route({.pool_size = 2});
  const auto third = r.add_route({.pool_size = 1});
  const auto server = serve(second, 1);
  want(first, 2);
  want(second, 3);
  want(third, 4);
  const auto opening = r.servers_in(State::opening);
  ASSERT_EQ(opening.size(), 3u);
  r.server_failed(opening[0], Reason::server_tls_failed, Setback::of_upstream);
  EXPECT_FALSE(r.is_waiting(2));
  EXPECT_EQ(refused(), Reason::server_tls_failed);
  EXPECT_TRUE(r.is_waiting(3)) << "a server of its route lives";
  EXPECT_TRUE(r.is_waiting(4)) << "a login of its route is under way";
  r.server_failed(opening[2], Reason::server_tls_failed, Setback::of_upstream);
  EXPECT_FALSE(r.is_waiting(4));
  r.server_released(server);
  EXPECT_EQ(held_by(3), server);
}

TEST_F(PoolSetbackTest, WhileALastingSetbackRestsItsReasonIsTheAnswerAndThenOneAttemptIsMade) {
  const auto first = start({});
  const auto second = r.add_route({});
  want(first, 1);
  r.server_failed(r.servers_in(State::opening)[0], Reason::dns_failed, Setback::of_upstream);
  want(second, 2);
  EXPECT_EQ(refused(), Reason::dns_failed);
  EXPECT_EQ(r.count(State::opening), 0) << "while it rests nobody asks";
  r.tick(100ms);
  EXPECT_EQ(r.count(State::opening), 0) << "nobody waits, so nobody asks";
  want(first, 3);
  want(second, 4);
  EXPECT_EQ(r.count(State::opening), 1) << "one attempt for both";
  r.server_failed(r.servers_in(State::opening)[0], Reason::dns_failed, Setback::of_upstream);
  EXPECT_EQ(r.waiting(first) + r.waiting(second), 0);
  r.tick(100ms);
  want(first, 5);
  EXPECT_EQ(refused(), Reason::dns_failed) << "the second rest is longer";
}

TEST_F(PoolSetbackTest, APassingSetbackAfterALastingOneLetsClientsWaitAgain) {
  const auto route = start({});
  want(route, 1);
  r.server_failed(r.servers_in(State::opening)[0], Reason::dns_failed, Setback::of_upstream);
  r.tick(100ms);
  want(route, 2);
  r.server_failed(r.servers_in(State::opening)[0], Reason::connect_failed, Setback::passing);
  EXPECT_TRUE(r.is_waiting(2));
  want(route, 3);
  EXPECT_TRUE(r.is_waiting(3));
}

TEST_F(PoolSetbackTest, TheLastServersEndTellsWhoWaitsThatNoOtherCanBeHad) {
  const auto route = start({.pool_size = 2});
  const auto server = serve(route, 1);
  want(route, 2);
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed, Setback::of_route);
  EXPECT_TRUE(r.is_waiting(2));
  r.server_closing(server);
  EXPECT_FALSE(r.is_waiting(2));
  EXPECT_EQ(refused(), Reason::server_login_failed);
}

TEST_F(PoolSetbackTest, TimeoutWhileTheDatabaseIsDownSaysSo) {
  const auto route = start({.pool_timeout = 1s}, {.retry_first = 5s});
  want(route, 1);
  r.server_failed(r.servers_in(State::opening)[0], Reason::connect_failed, Setback::passing);
  r.tick(1s);
  EXPECT_EQ(refused(), Reason::connect_failed);
}

// Choice of server and client

}  // namespace
}  // namespace tidegate::pool
