// A worker on the simulated network, with nobody behind it: what it does at its door, and what it
// keeps for the operator.
#include "proxy/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "proxy/database_testing.h"

namespace tidegate::proxy {
namespace {

using testing::HasSubstr;

class WorkerTest : public SimulatedProcessTest {
 protected:
  static constexpr int kClientsMax = 2;

  WorkerTest() {
    auto config = one_database();
    config.clients_max = kClientsMax;
    config.client_login_timeout = 24h;
    start(config, {&lane_, 1});
  }
  ~WorkerTest() override {
    set_last_words(nullptr, nullptr);
    worker_.reset();
  }

  Caller& call(Duration patience = 1s) { return SimulatedProcessTest::call(lane_, patience); }
  // Who may come without a password, to a route that is known: no server is needed for that.
  Caller& user() {
    publish_snapshot();
    auto& caller = call();
    introduce(caller);
    return caller;
  }
  void fill_the_door() {
    while (worker_->client_count() < kClientsMax + kHeardOutMax) call(10ms);
  }
  PoolGate& gate() { return worker_->gate(route()->upstream()); }

  Lane lane_{network_, 1};
  net::SimReactor& reactor_ = lane_.reactor;
  std::unique_ptr<Worker>& worker_ = lane_.worker;
};

TEST_F(WorkerTest, BeyondItsLimitsAConnectionIsToldAtTheDoor) {
  for (int i = 0; i < kClientsMax + kHeardOutMax; ++i) EXPECT_EQ(call(10ms).heard, "");
  const auto& refused = call();
  EXPECT_THAT(refused.heard, HasSubstr("C53300"));
  EXPECT_TRUE(refused.ended);
  EXPECT_EQ(worker_->client_count(), std::size_t{kClientsMax + kHeardOutMax});
  EXPECT_FALSE(callers_.front()->ended);
}

// Silence must not keep others out until client_login_timeout.
TEST_F(WorkerTest, WhoHasBeenSilentForLongestGivesWayToANewcomer) {
  auto& inside = user();
  EXPECT_TRUE(inside.heard.ends_with('I'));
  fill_the_door();
  EXPECT_THAT(call().heard, HasSubstr("C53300")) << "all came a moment ago";
  pass(kNewcomerPatience);
  const auto& newcomer = call();
  EXPECT_FALSE(newcomer.ended);
  EXPECT_EQ(worker_->client_count(), std::size_t{kClientsMax + kHeardOutMax});
  EXPECT_FALSE(inside.ended) << "it has logged in";
  EXPECT_THAT(callers_[1]->heard, HasSubstr("C53300"));
  EXPECT_TRUE(callers_[1]->ended) << "the one that came first";
  EXPECT_FALSE(callers_[2]->ended);
}

TEST_F(WorkerTest, SilentOnesDoNotCountAgainstWhoSaysWhoItIs) {
  fill_the_door();
  pass(kNewcomerPatience);
  const auto& newcomer = user();
  EXPECT_TRUE(newcomer.heard.ends_with('I')) << newcomer.heard;
  const auto& last = *callers_.at(kClientsMax + kHeardOutMax - 1);
  introduce(last);
  EXPECT_TRUE(last.heard.ends_with('I')) << "silent for long, and then no longer";
  EXPECT_THAT(user().heard, HasSubstr("C53300")) << "now clients_max is reached";
  EXPECT_FALSE(newcomer.ended || last.ended);
}

TEST_F(WorkerTest, WhoComesWhileTheProcessLeavesIsTold) {
  process_->leave();
  const auto& refused = call();
  EXPECT_THAT(refused.heard, HasSubstr("C57P01"));
  EXPECT_TRUE(refused.ended);
}

TEST_F(WorkerTest, WhoHasNotSaidWhoItIsHoldsUpNobodysLeaving) {
  const auto& silent = call();
  const auto& begun = call();
  outside_.write(begun.stream, as_bytes(std::string_view("\0\0\0", 3)));
  pass(1s);
  process_->leave();
  worker_->dismiss_all();
  pass(1s);
  for (const auto* caller : {&silent, &begun}) {
    EXPECT_THAT(caller->heard, HasSubstr("C57P01"));
    EXPECT_TRUE(caller->ended);
  }
  EXPECT_EQ(worker_->client_count(), 0u);
}

TEST_F(WorkerTest, PeriodsEndWithTheTurnsThatSeeTheirEnd) {
  const auto counted = route();
  call();  // a turn in the first period
  counted->traffic(0).queries = 5;
  pass(process_->config().stats_period);
  EXPECT_EQ(counted->last_period(0).end.queries, 0u);  // nothing ran for it
  call();
  EXPECT_EQ(counted->last_period(0).begin.queries, 0u);
  EXPECT_EQ(counted->last_period(0).end.queries, 5u);
  pass(process_->config().stats_period * 5);
  call();  // the last whole period saw no turn at all
  EXPECT_EQ(counted->last_period(0).begin.queries, 5u);
}

// What takes no server is answered here, so nobody else holds back a client that does not read.
TEST_F(WorkerTest, WhoDoesNotReadItsAnswersIsNotListenedTo) {
  auto& caller = user();
  EXPECT_TRUE(caller.heard.ends_with('I'));
  caller.heard.clear();
  outside_.pause_reading(caller.stream);
  constexpr std::size_t kSyncs = 1'000'000;
  std::string syncs;
  for (std::size_t i = 0; i < kSyncs; ++i) syncs += std::string("S\0\0\0\4", 5);
  outside_.write(caller.stream, as_bytes(syncs));
  pass(60s);
  worker_->clients().for_each([this](ClientId, const Client& client) {
    EXPECT_LE(reactor_.queued(client.stream()), 4 * net::Reactor::kHighWater);
  });
  outside_.resume_reading(caller.stream);
  pass(600s);
  EXPECT_EQ(caller.heard.size(), kSyncs * 6);
}

using WorkerDeathTest = WorkerTest;

TEST_F(WorkerDeathTest, ABrokenInvariantOfThePoolNamesWhatBrokeIt) {
  const auto speak = [](const void* worker) {
    static_cast<const Worker*>(worker)->last_events().print(stderr);
  };
  const pool::Want want{.route = route()->id(), .waiter = waiter_of({0, {3, 1}})};
  EXPECT_DEATH(
      {
        set_last_words(speak, worker_.get());
        gate().client_wants(want);
        gate().client_wants(want);
        worker_->settle();
      },
      "invariant broken.*\n.*client_wants client=0x300000001.*\n.*client_wants "
      "client=0x300000001");
}

}  // namespace
}  // namespace tidegate::proxy
