// One test per behaviour. All go through the referee, so each also checks that every action on the
// way was right by the rules.
#include "pool/pool.h"

#include <gtest/gtest.h>

#include "pool/pool_testing.h"

namespace tidegate::pool {
namespace {

using State = Referee::State;

// Opening

TEST_F(PoolTest, OpensAsManyAsThereAreClientsWithoutOneOnTheWay) {
  const auto route = start({.pool_size = 3});
  want(route, 1);
  want(route, 2);
  EXPECT_EQ(r.count(State::opening), 2);
  r.client_gone(1);
  want(route, 3);
  EXPECT_EQ(r.count(State::opening), 2);
  want(route, 4);
  want(route, 5);
  EXPECT_EQ(r.count(State::opening), 3);
}

TEST_F(PoolTest, OpensNoMoreAtOnceThanOpeningMax) {
  const auto route = start({.pool_size = 9}, {.opening_max = 2});
  for (WaiterId i = 1; i <= 5; ++i) want(route, i);
  EXPECT_EQ(r.count(State::opening), 2);
  r.server_ready(r.servers_in(State::opening)[0]);
  EXPECT_EQ(r.count(State::opening), 2);
  EXPECT_EQ(r.count(State::held), 1);
}

TEST_F(PoolTest, OpensOnTheWorkerOfTheClientThatHasNoneComing) {
  const auto route = start({});
  want(route, 1, 3);
  EXPECT_EQ(r.said(ActionKind::open)->worker, 3);
  want(route, 2, 5);
  EXPECT_EQ(r.said(ActionKind::open)->worker, 5);
}

TEST_F(PoolTest, ReadyServerGoesToTheFirstWaiterNotToItsCause) {
  const auto route = start({.pool_size = 1});
  want(route, 1);
  want(route, 2);
  r.client_gone(1);
  ready_all();
  EXPECT_TRUE(held_by(2));
}

TEST_F(PoolTest, ReadyServerThatNobodyWaitsForStaysIdle) {
  const auto route = start({});
  want(route, 1);
  r.client_gone(1);
  ready_all();
  EXPECT_EQ(r.count(route, State::idle), 1);
}

TEST_F(PoolTest, MinIdleIsKeptReadyWithinPoolSize) {
  const auto route = start({.pool_size = 3, .min_idle = 2});
  r.tick();
  EXPECT_EQ(r.count(State::opening), 2);
  ready_all();
  want(route, 1);
  EXPECT_EQ(r.count(State::opening), 1);
  ready_all();
  want(route, 2);
  EXPECT_EQ(r.count(State::opening), 0) << "pool_size is reached";
}

TEST_F(PoolTest, NothingIsOpenedForAnIdleRoute) {
  start({});
  r.tick(60s);
  EXPECT_EQ(r.pool.total_servers(), 0);
  EXPECT_TRUE(r.pool.next_deadline().is_never()) << "idle costs nothing";
}

// Failed connects

TEST_F(PoolTest, FailedConnectWakesTheNextAttempt) {
  const auto route = start({.pool_size = 1});
  want(route, 1);
  want(route, 2);
  r.server_failed(r.servers_in(State::opening)[0], Reason::connect_failed, Setback::passing);
  EXPECT_EQ(r.count(State::opening), 0);
  const Duration wait = r.pool.next_deadline() - r.now;
  EXPECT_GE(wait, 75ms);
  EXPECT_LE(wait, 100ms);
  r.tick(wait);
  ready_all();
  EXPECT_TRUE(held_by(1));
}

// Its promise ends when the place is free, and only then is it given away.
TEST_F(PoolTest, RouteWithAPromiseStaysBeforeThoseThatCameLater) {
  const auto busy = start({}, {.budget = 1});
  const auto first = r.add_route({});
  const auto second = r.add_route({});
  const auto server = serve(busy, 1);
  want(first, 2);
  want(second, 3);
  r.server_released(server);
  r.server_gone(server);
  EXPECT_EQ(r.count(first, State::opening), 1);
  EXPECT_EQ(r.count(second, State::opening), 0);
}

TEST_F(PoolTest, ActionsNameTheWaitThatTheyEnd) {
  const auto route = start({.pool_size = 1, .pool_timeout = 1s});
  r.client_wants({.route = route, .waiter = 1, .number = 7});
  ready_all();
  ASSERT_NE(r.said(ActionKind::assign), nullptr);
  EXPECT_EQ(r.said(ActionKind::assign)->number, 7u);
  r.client_wants({.route = route, .waiter = 2, .number = 9});
  r.tick(1s);
  ASSERT_NE(r.said(ActionKind::refuse), nullptr);
  EXPECT_EQ(r.said(ActionKind::refuse)->number, 9u);
}

TEST_F(PoolTest, Trap28_FailedLoginCountsUntilItsServerIsGone) {
  const auto route = start({.pool_size = 1}, {.budget = 1});
  want(route, 1);
  const auto server = r.servers_in(State::opening)[0];
  r.login_failed(server, Reason::server_lost, Setback::passing);
  r.tick(100ms);
  EXPECT_EQ(r.count(State::opening), 0);
  r.server_gone(server);
  EXPECT_EQ(r.count(State::opening), 1);
}

TEST_F(PoolTest, BackoffDoublesUpToItsCapAndEndsWithSuccess) {
  const auto route = start({.pool_timeout = 0s}, {.retry_max = 300ms});
  want(route, 1);
  for (const Duration longest : {100ms, 200ms, 300ms, 300ms}) {
    r.server_failed(r.servers_in(State::opening)[0], Reason::connect_failed, Setback::passing);
    const Duration wait = r.pool.next_deadline() - r.now;
    EXPECT_LE(wait, longest);
    EXPECT_GE(wait, longest * 3 / 4);
    r.tick(wait);
    ASSERT_EQ(r.count(State::opening), 1);
  }
  ready_all();
  want(route, 2);
  r.server_failed(r.servers_in(State::opening)[0], Reason::connect_failed, Setback::passing);
  EXPECT_LE(r.pool.next_deadline() - r.now, 100ms);
}

TEST_F(PoolTest, AfterAFailureOneAttemptAtATime) {
  const auto route = start({});
  for (WaiterId i = 1; i <= 4; ++i) want(route, i);
  for (const auto id : r.servers_in(State::opening)) {
    r.server_failed(id, Reason::connect_failed, Setback::passing);
  }
  EXPECT_LE(r.pool.next_deadline() - r.now, 100ms) << "one wave is one failure";
  r.tick(100ms);
  EXPECT_EQ(r.count(State::opening), 1);
  r.server_ready(r.servers_in(State::opening)[0]);
  EXPECT_EQ(r.count(State::opening), 3);
}

TEST_F(PoolTest, CountsTheIdleServersThatAreCheckedBeforeUse) {
  const auto route = start({.ping_after = 1s});
  fill(route, 2);
  EXPECT_EQ(r.pool.idle_to_be_checked(route, r.now), 0);
  r.tick(2s);
  EXPECT_EQ(r.pool.idle_to_be_checked(route, r.now), 2);
  r.tick();
  const auto other = r.add_route({});
  EXPECT_EQ(r.pool.idle_to_be_checked(other, r.now), 0);
}

TEST_F(PoolTest, ReusesTheServerUsedLast) {
  const auto route = start({});
  const auto ids = fill(route, 3);
  want(route, 1);
  EXPECT_EQ(held_by(1), ids[2]);
}

TEST_F(PoolTest, InTurnWhenLifoIsOff) {
  const auto route = start({.lifo = false});
  const auto ids = fill(route, 3);
  want(route, 1);
  EXPECT_EQ(held_by(1), ids[0]);
  r.server_released(ids[0]);
  want(route, 1);
  EXPECT_EQ(held_by(1), ids[1]);
}

TEST_F(PoolTest, PrefersOwnWorkerThenFit) {
  const auto route = start({});
  for (WaiterId i = 1; i <= 4; ++i) want(route, i, i <= 2 ? 0 : 1);
  ready_all();
  const auto plain_here = held_by(1), fit_here = held_by(2);
  const auto fit_there = held_by(3), plain_there = held_by(4);
  r.server_released(fit_here, 7);
  r.server_released(fit_there, 7);
  r.server_released(plain_there, 0);
  r.server_released(plain_here, 0);
  for (const auto expected : {fit_here, plain_here, fit_there, plain_there}) {
    want(route, 10 + expected.slot, 0, 7);
    EXPECT_EQ(held_by(10 + expected.slot), expected);
  }
  EXPECT_EQ(r.pool.totals().moved, 2u);
}

TEST_F(PoolTest, MovedServerSaysWhereItIs) {
  const auto route = start({.pool_size = 1});
  r.server_released(serve(route, 1, 2));
  want(route, 2, 5);
  EXPECT_EQ(r.said(ActionKind::assign)->home, 2);
  EXPECT_EQ(r.said(ActionKind::assign)->worker, 5);
}

TEST_F(PoolTest, FirstComeFirstServedWithinAPriority) {
  const auto route = start({.pool_size = 1});
  const auto server = serve(route, 1);
  want(route, 2);
  want(route, 3);
  r.client_wants({.route = route, .waiter = 4, .priority = 0});
  for (const WaiterId next : {4, 2, 3}) {
    r.server_released(server);
    EXPECT_EQ(held_by(next), server);
  }
}

TEST_F(PoolTest, ClientOnTheServersWorkerOvertakesWithinTheBound) {
  const auto route = start({.pool_size = 1}, {.overtake_max = 2});
  const auto server = serve(route, 1);
  want(route, 2, 1);
  for (WaiterId i = 3; i <= 6; ++i) want(route, i, 0);
  for (const WaiterId next : {3, 4, 2}) {
    r.server_released(server);
    EXPECT_EQ(held_by(next), server);
  }
  EXPECT_EQ(r.pool.totals().overtaken, 2u);
}

TEST_F(PoolTest, NobodyWhoWaitedLongIsOvertaken) {
  const auto route = start({.pool_size = 1}, {.overtake_wait_max = 2ms});
  const auto server = serve(route, 1);
  want(route, 2, 1);
  r.pass(3ms);
  want(route, 3, 0);
  r.server_released(server);
  EXPECT_EQ(held_by(2), server);
}

TEST_F(PoolTest, VerifiesAServerThatWasIdleForLong) {
  const auto route = start({.ping_after = 30s});
  const auto server = serve(route, 1);
  r.server_released(server);
  r.pass(30s);
  want(route, 1);
  EXPECT_FALSE(r.said(ActionKind::assign)->verify);
  r.server_released(server);
  r.pass(31s);
  want(route, 1);
  EXPECT_TRUE(r.said(ActionKind::assign)->verify);
}

TEST_F(PoolTest, OneDeadServerMakesItsIdleSiblingsSuspect) {
  const auto route = start({});
  const auto ids = fill(route, 2);
  want(route, 1);
  r.assign_failed(ids[1], true);
  EXPECT_EQ(held_by(1), ids[0]);
  EXPECT_TRUE(r.said(ActionKind::assign)->verify);
}

TEST_F(PoolTest, WaiterOfADeadServerComesBackToItsOldPlace) {
  const auto route = start({.pool_size = 2});
  const auto first = serve(route, 1), second = serve(route, 2);
  want(route, 3);
  r.server_released(first);
  ASSERT_EQ(held_by(3), first);
  want(route, 4);
  want(route, 5);
  r.assign_failed(first, true);
  EXPECT_TRUE(r.is_waiting(3));
  r.server_released(second);
  EXPECT_EQ(held_by(3), second);
}

// Without the referee, whose books know no client that asks again.
TEST(PoolAgain, WhoseServerDiedBeforeItWasUsedGoesToTheFrontWithItsOldWait) {
  Pool pool(UpstreamLimits{});
  const auto route = pool.add_route({.pool_size = 1});
  Actions out;
  pool.client_wants({.route = route, .waiter = 1}, Instant{0}, out);
  const auto first = out.back().server;
  pool.server_ready(first, 0, Instant{1}, out);
  pool.client_wants({.route = route, .waiter = 2}, Instant{2}, out);
  pool.server_closing(first, Instant{3}, out);
  pool.server_gone(first, Instant{3}, out);
  pool.client_wants({.route = route, .waiter = 1, .again = true, .since = Instant{0}}, Instant{4},
                    out);
  EXPECT_EQ(pool.counts(route).oldest_wait, Instant{0});
  ASSERT_EQ(out.back().kind, ActionKind::open);
  pool.server_ready(out.back().server, 0, Instant{5}, out);
  EXPECT_EQ(out.back().kind, ActionKind::assign);
  EXPECT_EQ(out.back().waiter, 1u);
  pool.check_invariants();
}

// Waiting and leaving

TEST_F(PoolTest, RefusesWhenTheQueueIsFull) {
  const auto route = start({.pool_size = 1, .queue_max = 2});
  serve(route, 1);
  want(route, 2);
  want(route, 3);
  want(route, 4);
  EXPECT_EQ(refused(), Reason::queue_full);
  EXPECT_EQ(r.waiting(route), 2);
}

TEST_F(PoolTest, WhoseServerCanBeOpenedIsNotInTheQueue) {
  const auto route = start({.pool_size = 2, .max_overflow = 1, .queue_max = 0}, {.opening_max = 1});
  for (WaiterId waiter = 1; waiter <= 3; ++waiter) {
    want(route, waiter);
    EXPECT_EQ(refused(), Reason::none) << waiter;
  }
  want(route, 4);
  EXPECT_EQ(refused(), Reason::queue_full);
  for (int i = 0; i < 3; ++i) ready_all();
  EXPECT_EQ(r.count(Referee::State::held), 3);
}

TEST_F(PoolTest, TheQueueBeginsBehindThoseWhoseServersAreComing) {
  const auto route = start({.pool_size = 10, .queue_max = 2}, {.budget = 8});
  for (WaiterId waiter = 1; waiter <= 10; ++waiter) want(route, waiter);
  EXPECT_EQ(refused(), Reason::none);
  want(route, 11);
  EXPECT_EQ(refused(), Reason::queue_full);
  EXPECT_EQ(r.waiting(route), 10);
}

TEST_F(PoolTest, WhoIsPromisedAPlaceIsNotInTheQueue) {
  const auto first = start({.pool_size = 2}, {.budget = 2});
  const auto second = r.add_route({.pool_size = 2, .queue_max = 0});
  fill(first, 2);
  want(second, 1);
  EXPECT_EQ(closed(), Reason::evicted);
  EXPECT_EQ(refused(), Reason::none);
  want(second, 2);
  EXPECT_EQ(refused(), Reason::queue_full);
}

TEST_F(PoolTest, NoServerComesForThoseWhoWaitAtAPausedRoute) {
  const auto route = start({.pool_size = 5, .queue_max = 1});
  r.pause(route, true);
  want(route, 1);
  EXPECT_EQ(refused(), Reason::none);
  want(route, 2);
  EXPECT_EQ(refused(), Reason::queue_full);
}

TEST_F(PoolTest, NoServerComesWhileTheDatabaseIsLeftAlone) {
  const auto route = start({.pool_size = 5, .queue_max = 1});
  want(route, 1);
  r.server_failed(r.servers_in(Referee::State::opening).front(), Reason::connect_failed,
                  Setback::passing);
  want(route, 2);
  EXPECT_EQ(refused(), Reason::queue_full);
  r.tick(1s);  // the next attempt is under way, and is the first one's
  want(route, 3);
  EXPECT_EQ(refused(), Reason::none);
  want(route, 4);
  EXPECT_EQ(refused(), Reason::queue_full);
}

TEST_F(PoolTest, WhoComesAgainIsNotTurnedAwayByAFullQueue) {
  const auto route = start({.pool_size = 1, .queue_max = 0});
  serve(route, 1);
  r.client_wants({.route = route, .waiter = 2, .again = true, .since = r.now});
  EXPECT_EQ(refused(), Reason::none);
  want(route, 3);
  EXPECT_EQ(refused(), Reason::queue_full);
}

TEST_F(PoolTest, ARouteThatNobodyUsesCanBeForgotten) {
  const auto route = start({});
  EXPECT_TRUE(r.forget_route(route));
  EXPECT_FALSE(r.pool.is_unused(route)) << "there is none any more";
  const auto again = r.add_route({});
  EXPECT_NE(again, route) << "a stale number is known for one";
  r.pool.set_route_limits(route, {}, r.now, actions);
  r.pool.recycle_all(route, r.now, actions);
  r.pool.client_wants({.route = route, .waiter = 1}, r.now, actions);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].reason, Reason::route_removed);
}

TEST_F(PoolTest, ARouteInUseIsNotForgotten) {
  const auto route = start({});
  want(route, 1);
  EXPECT_FALSE(r.forget_route(route)) << "one waits";
  ready_all();
  EXPECT_FALSE(r.forget_route(route)) << "one is served";
  const auto server = held_by(1);
  r.server_released(server);
  EXPECT_FALSE(r.forget_route(route)) << "a server is idle";
  r.server_closing(server);
  EXPECT_FALSE(r.forget_route(route)) << "it counts until it is gone";
  r.server_gone(server);
  r.pause(route, true);
  EXPECT_FALSE(r.forget_route(route)) << "somebody paused it";
  r.pause(route, false);
  EXPECT_TRUE(r.forget_route(route));
}

// One that cannot be reached still asks for its spare servers from time to time.
TEST_F(PoolTest, AForgottenRouteIsNotTriedAgain) {
  const auto route = start({.min_idle = 1});
  r.tick();
  r.server_failed(r.servers_in(State::opening)[0], Reason::server_login_failed, Setback::of_route);
  EXPECT_TRUE(r.forget_route(route));
  EXPECT_TRUE(r.pool.next_deadline().is_never());
  r.tick(1h);
  EXPECT_EQ(r.count(State::opening), 0);
}

TEST_F(PoolTest, WaitsNoLongerThanPoolTimeoutOrItsOwnDeadline) {
  const auto route = start({.pool_size = 1, .pool_timeout = 5s, .shed = false});
  serve(route, 1);
  want(route, 2);
  r.client_wants({.route = route, .waiter = 3, .deadline = r.now + 1s});
  EXPECT_EQ(r.pool.next_deadline(), r.now + 1s);
  r.tick(1s);
  EXPECT_EQ(refused(), Reason::pool_timeout);
  EXPECT_TRUE(r.is_waiting(2));
  r.tick(4s);
  EXPECT_FALSE(r.is_waiting(2));
}

TEST_F(PoolTest, ClientThatLeavesIsNotServed) {
  const auto route = start({.pool_size = 1});
  const auto server = serve(route, 1);
  want(route, 2);
  want(route, 3);
  r.client_gone(2);
  r.server_released(server);
  EXPECT_EQ(held_by(3), server);
}

TEST_F(PoolTest, LeavingWithoutWaitingIsNothing) {
  const auto route = start({});
  const auto server = serve(route, 1);
  r.client_gone(1);
  r.client_gone(99);
  EXPECT_EQ(held_by(1), server);
}

TEST_F(PoolTest, ShedsThoseWhoWaitedLongestUnderSustainedOverload) {
  const auto route = start({.pool_size = 1, .shed_target = 100ms, .shed_interval = 1s});
  const auto server = serve(route, 1);
  WaiterId next = 2;
  Duration wait_longest{0};
  for (int ms = 0; ms < 5000; ms += 10) {  // two come for each one that is served
    r.tick(10ms);
    want(route, next++);
    want(route, next++);
    r.server_released(server);
    if (ms > 2500) wait_longest = std::max(wait_longest, r.now - r.machines[0].holder.since);
  }
  EXPECT_GT(r.pool.totals().shed, 200u);
  EXPECT_LE(wait_longest, 200ms) << "who is served waited at most twice the target";
  EXPECT_GE(wait_longest, 150ms) << "and the queue never runs dry";
}

TEST_F(PoolTest, ShedsNobodyInABurstNorWhenSwitchedOff) {
  for (const bool on : {true, false}) {
    const auto route = r.add_route({.pool_size = 1, .shed = on, .shed_target = 100ms});
    const auto server = serve(route, 1);
    for (WaiterId i = 100; i < 140; ++i) want(route, i);
    for (int i = 0; i < 40; ++i) {
      r.tick(on ? 50ms : 250ms);  // on: drained within the interval of 5 s
      r.server_released(server);
    }
    EXPECT_EQ(r.pool.totals().shed, 0u);
  }
}

TEST_F(PoolTest, AStalledQueueIsNotOverload) {
  const auto route = start({.pool_size = 1, .shed_target = 100ms, .shed_interval = 1s});
  serve(route, 1);
  want(route, 2);
  for (int i = 0; i < 20; ++i) r.tick(1s);
  EXPECT_TRUE(r.is_waiting(2)) << "nobody was served: it waits for its own deadline";
}

// Ends of servers

TEST_F(PoolTest, OverflowExistsOnlyWhileClientsWait) {
  const auto route = start({.pool_size = 1, .max_overflow = 1});
  want(route, 1);
  want(route, 2);
  want(route, 3);
  EXPECT_EQ(r.count(State::opening), 2);
  ready_all();
  r.server_released(held_by(1));
  ASSERT_TRUE(held_by(3)) << "while somebody waits the extra server is used";
  r.server_released(held_by(2));
  EXPECT_EQ(closed(), Reason::surplus);
  r.server_released(held_by(3));
  EXPECT_EQ(r.count(route, State::idle), 1);
}

TEST_F(PoolTest, ClosesServersIdleForTooLongDownToMinIdle) {
  const auto route = start({.min_idle = 1, .idle_timeout = 10s});
  fill(route, 3);
  ready_all();
  r.tick(9999ms);
  EXPECT_EQ(closed(), Reason::none);
  r.tick(1ms);
  EXPECT_EQ(closed(), Reason::idle_timeout);
  EXPECT_EQ(r.count(route, State::idle), 1);
}

TEST_F(PoolTest, RecyclesOldServersWithJitter) {
  const auto route = start({.recycle = 100s, .idle_timeout = 0s});
  fill(route, 8);
  r.tick(89s);
  EXPECT_EQ(r.count(State::closing), 0);
  r.tick(6s);
  EXPECT_GT(r.count(State::closing), 0);
  EXPECT_LT(r.count(State::closing), 8) << "not all at once";
  r.tick(5s);
  EXPECT_EQ(r.count(State::closing), 8) << "and none later than pool_recycle";
  EXPECT_EQ(closed(), Reason::lifetime_over);
}

TEST_F(PoolTest, RecyclesAHeldServerWhenItIsReleased) {
  const auto route = start({.pool_size = 1, .recycle = 100s});
  const auto server = serve(route, 1);
  r.tick(101s);
  want(route, 2);
  r.server_released(server);
  EXPECT_EQ(closed(), Reason::lifetime_over);
  r.server_gone(server);
  ready_all();
  EXPECT_TRUE(held_by(2));
}

TEST_F(PoolTest, BrokenServerCountsUntilItIsGone) {
  const auto route = start({.pool_size = 1});
  const auto server = serve(route, 1);
  want(route, 2);
  r.server_closing(server);
  EXPECT_EQ(r.count(State::opening), 0);
  r.server_gone(server);
  EXPECT_EQ(r.count(State::opening), 1);
}

TEST_F(PoolTest, LateEventsAboutAServerThatIsGoneAreIgnored) {
  const auto route = start({});
  const auto server = serve(route, 1);
  r.server_closing(server);
  r.server_gone(server);
  Actions out;
  r.pool.server_released(server, 0, r.now, out);
  r.pool.server_gone(server, r.now, out);
  r.pool.server_closing(server, r.now, out);
  r.pool.server_ready(server, 0, r.now, out);
  EXPECT_FALSE(r.pool.hold_changed(server, HoldKind::pin, r.now, out));
  EXPECT_TRUE(out.empty());
}

TEST_F(PoolTest, DoubleReleaseAndDoubleWaitAreCaught) {
  const auto route = start({.pool_size = 1});
  const auto server = serve(route, 1);
  Actions out;
  want(route, 2);
  EXPECT_DEATH(r.pool.client_wants({.route = route, .waiter = 2}, r.now, out), "invariant broken");
  r.client_gone(2);
  r.server_released(server);
  EXPECT_DEATH(r.pool.server_released(server, 0, r.now, out), "invariant broken");
}

// One that does not answer the check before use

TEST_F(PoolTest, WhatWasIdleAsLongAsASilentServerIsClosedWithIt) {
  const auto route = start({.pool_size = 5, .ping_after = 10s});
  fill(route, 4);
  r.pass(11s);
  want(route, 1);
  EXPECT_TRUE(r.said(ActionKind::assign)->verify);
  const auto silent = held_by(1);
  r.server_released(serve(route, 2));
  r.server_silent(silent);
  EXPECT_EQ(r.count(State::closing), 2);
  EXPECT_EQ(r.count(State::idle), 1) << "the one that was used a moment ago";
}

TEST_F(PoolTest, WhoComesAgainTooLateIsRefused) {
  const auto route = start({.pool_size = 2, .pool_timeout = 1s});
  fill(route, 2);
  const auto silent = serve(route, 1);
  const auto since = r.now;
  r.pass(2s);
  r.server_closing(silent);
  r.client_wants({.route = route, .waiter = 1, .again = true, .since = since});
  EXPECT_EQ(refused(), Reason::pool_timeout);
  EXPECT_EQ(r.count(State::idle), 1) << "not even for a moment";
}

TEST_F(PoolTest, WhoWaitedForADatabaseThatSaysNothingIsToldSo) {
  const auto route = start({.pool_size = 2, .pool_timeout = 1s});
  want(route, 1);
  r.tick(1s);
  EXPECT_EQ(refused(), Reason::connect_timeout);
}

// Holds

TEST_F(PoolTest, CountsHoldsByKindAndLimitsPins) {
  const auto route = start({.pool_size = 3, .pins_max = 1});
  const auto first = serve(route, 1), second = serve(route, 2);
  EXPECT_TRUE(r.hold_changed(first, HoldKind::pin));
  EXPECT_TRUE(r.hold_changed(first, HoldKind::pin)) << "a pin stays a pin";
  EXPECT_FALSE(r.hold_changed(second, HoldKind::pin));
  EXPECT_TRUE(r.hold_changed(second, HoldKind::listen));
  const auto counts = r.pool.counts(route);
  EXPECT_EQ(counts.held_by_kind[static_cast<int>(HoldKind::pin)], 1);
  EXPECT_EQ(counts.held_by_kind[static_cast<int>(HoldKind::listen)], 1);
  EXPECT_EQ(counts.held_by_kind[static_cast<int>(HoldKind::transaction)], 0);
  r.server_released(first);
  EXPECT_TRUE(r.hold_changed(second, HoldKind::pin));
}

TEST_F(PoolTest, PinsOfAllRoutesLeaveAPlaceOfTheBudget) {
  const auto first = start({.pool_size = 3}, {.budget = 3});
  const auto second = r.add_route({.pool_size = 3});
  const auto served = serve(first, 1);
  EXPECT_TRUE(r.hold_changed(served, HoldKind::pin));
  EXPECT_TRUE(r.hold_changed(serve(second, 2), HoldKind::pin));
  EXPECT_FALSE(r.hold_changed(serve(second, 3), HoldKind::pin));
  r.server_released(served);
  EXPECT_TRUE(r.hold_changed(held_by(3), HoldKind::pin)) << "what one gives back another may have";
}

TEST_F(PoolTest, AListenerTakesAPlaceOfTheBudgetAndNoneOfItsRoute) {
  const auto route = start({.pool_size = 1}, {.budget = 3});
  serve(route, 1);
  want(route, 2);
  r.client_wants({.route = route, .waiter = 3, .kind = HoldKind::listen, .priority = 0});
  ASSERT_NE(r.said(ActionKind::open), nullptr) << "beside the one that the route may have";
  r.server_ready(r.said(ActionKind::open)->server);
  ASSERT_NE(r.said(ActionKind::assign), nullptr);
  EXPECT_EQ(r.said(ActionKind::assign)->waiter, 3u) << "it goes before the clients";
  r.server_released(held_by(1));
  EXPECT_EQ(r.said(ActionKind::assign)->waiter, 2u);
  EXPECT_EQ(r.pool.total_servers(), 2);
}

TEST_F(PoolTest, ListenersAndPinsLeaveAPlaceOfTheBudget) {
  const auto route = start({.pool_size = 3}, {.budget = 2});
  r.client_wants({.route = route, .waiter = 1, .kind = HoldKind::listen, .priority = 0});
  const auto opened = r.said(ActionKind::open)->server;
  r.client_wants({.route = route, .waiter = 2, .kind = HoldKind::listen, .priority = 0});
  EXPECT_EQ(refused(), Reason::pins_full);
  r.server_ready(opened);
  EXPECT_FALSE(r.hold_changed(serve(route, 3), HoldKind::pin));
}

TEST_F(PoolTest, PinsMaxWrittenDownIsWhatHolds) {
  const auto route = start({.pool_size = 2, .pins_max = 2}, {.budget = 2});
  EXPECT_TRUE(r.hold_changed(serve(route, 1), HoldKind::pin));
  EXPECT_TRUE(r.hold_changed(serve(route, 2), HoldKind::pin));
}

TEST_F(PoolTest, OnePinFitsIntoTheSmallestBudget) {
  const auto route = start({.pool_size = 5}, {.budget = 1});
  EXPECT_TRUE(r.hold_changed(serve(route, 1), HoldKind::pin));
}

TEST_F(PoolTest, PinsThatWaitCountToo) {
  const auto route = start({.pool_size = 2});
  serve(route, 1);
  serve(route, 2);
  r.client_wants({.route = route, .waiter = 3, .kind = HoldKind::pin});
  EXPECT_TRUE(r.is_waiting(3));
  EXPECT_FALSE(r.hold_changed(held_by(1), HoldKind::pin));
  r.client_wants({.route = route, .waiter = 4, .kind = HoldKind::pin});
  EXPECT_EQ(refused(), Reason::pins_full);
}

// The operator

TEST_F(PoolTest, PausedRouteKeepsItsWaitersAndClosesItsServers) {
  const auto route = start({.pool_size = 2});
  fill(route, 2);
  const auto server = serve(route, 1);
  r.pause(route, true);
  EXPECT_EQ(closed(), Reason::admin_close);
  want(route, 2);
  EXPECT_TRUE(r.is_waiting(2));
  r.server_released(server);
  EXPECT_EQ(closed(), Reason::admin_close);
  for (const auto id : r.servers_in(State::closing)) r.server_gone(id);
  EXPECT_EQ(r.count(State::opening), 0);
  r.pause(route, false);
  ready_all();
  EXPECT_TRUE(held_by(2));
}

TEST_F(PoolTest, RecycleAllReplacesEveryServerAsItComesBack) {
  const auto route = start({});
  fill(route, 2);
  const auto server = serve(route, 1);
  want(route, 2);
  want(route, 3);  // opens one before the order
  r.recycle_all(route);
  r.server_released(server);
  EXPECT_EQ(closed(), Reason::admin_close);
  r.server_ready(r.servers_in(State::opening)[0]);
  EXPECT_EQ(closed(), Reason::admin_close);
  r.play_out();
}

TEST_F(PoolTest, RemovedRouteRefusesItsWaitersAndDiesWithItsLastServer) {
  const auto route = start({.pool_size = 2});
  const auto server = serve(route, 1);
  want(route, 2);
  want(route, 3);
  const auto opening = r.servers_in(State::opening)[0];
  r.remove_route(route);
  EXPECT_EQ(refused(), Reason::route_removed);
  EXPECT_EQ(closed(), Reason::route_removed);
  r.server_ready(opening);  // crossed with the order to close it
  r.server_gone(opening);
  want(route, 4);
  EXPECT_EQ(refused(), Reason::route_removed);
  r.server_released(server);
  EXPECT_EQ(r.pool.counts(route).closing, 1);
  r.server_gone(server);
  EXPECT_EQ(r.pool.counts(route), RouteCounts{});
  EXPECT_EQ(r.pool.total_servers(), 0);
}

TEST_F(PoolTest, SmallerLimitsCloseIdleServersNowAndHeldOnesLater) {
  RouteLimits limits{.pool_size = 4};
  const auto route = start(limits);
  fill(route, 4);
  const auto server = serve(route, 1);
  limits.pool_size = 0;
  r.set_route_limits(route, limits);
  EXPECT_EQ(r.count(State::closing), 3);
  EXPECT_EQ(closed(), Reason::surplus);
  r.server_released(server);
  EXPECT_EQ(closed(), Reason::surplus);
}

TEST_F(PoolTest, SmallerBudgetIsReachedAsServersComeBack) {
  const auto route = start({.pool_size = 4}, {.budget = 4});
  fill(route, 4);
  const auto first = serve(route, 1), second = serve(route, 2);
  r.set_limits({.budget = 1});
  EXPECT_EQ(r.count(State::closing), 2);
  r.server_released(first);
  EXPECT_EQ(closed(), Reason::surplus);
  r.server_released(second);
  EXPECT_EQ(r.count(State::idle), 1);
}

TEST_F(PoolTest, TimeNeverGoesBack) {
  const auto route = start({.pool_size = 1, .pool_timeout = 1s});
  serve(route, 1);
  r.tick(10ms);
  Actions out;
  r.pool.client_wants({.route = route, .waiter = 2}, r.now - 5ms, out);
  EXPECT_EQ(r.pool.counts(route).oldest_wait, r.now);
  r.pool.client_gone(2, r.now - 5ms, out);
}

}  // namespace
}  // namespace tidegate::pool
