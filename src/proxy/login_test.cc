// Two workers on the simulated network: what those are told who come to log in, and what that costs
// the threads beside the workers.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/database_testing.h"

namespace tidegate::proxy {
namespace {

using testing::HasSubstr;

constexpr auto kMethod = "SCRAM-SHA-256";

class LoginTest : public SimulatedProcessTest {
 protected:
  LoginTest() {
    auto config = one_database();
    config.users = {{.name = "bob", .secret = "pw"}, {.name = "eve", .secret = "pw"}};
    start(config, lanes_);
  }
  ~LoginTest() override {
    for (auto& lane : lanes_) lane.worker.reset();
  }

  std::uint64_t jobs() const { return lanes_[0].reactor.jobs() + lanes_[1].reactor.jobs(); }
  std::vector<Caller*> crowd(std::size_t count) {
    std::vector<Caller*> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(&call(lanes_[i % lanes_.size()], 100ms));
    return all;
  }

  std::array<Lane, 2> lanes_{Lane{network_, 1}, Lane{network_, 2}};
};

// Each of them would keep a thread that others need.
TEST_F(LoginTest, ACrowdOfOneUserHasItsVerifierDerivedOnce) {
  const auto callers = crowd(8);
  for (const auto* caller : callers) introduce(*caller, "bob", 0s);
  pass(1s);
  for (const auto* caller : callers) EXPECT_THAT(caller->heard, HasSubstr(kMethod));
  EXPECT_EQ(jobs(), 1u);
  introduce(call(lanes_[1]), "bob");
  EXPECT_THAT(callers_.back()->heard, HasSubstr(kMethod));
  EXPECT_EQ(jobs(), 1u) << "it is known";
}

TEST_F(LoginTest, EachUserHasItsOwn) {
  const auto callers = crowd(4);
  for (std::size_t i = 0; i < callers.size(); ++i) {
    introduce(*callers[i], i < 2 ? "bob" : "eve", 0s);
  }
  pass(1s);
  for (const auto* caller : callers) EXPECT_THAT(caller->heard, HasSubstr(kMethod));
  EXPECT_EQ(jobs(), 2u);
}

// The one whose arrival began it.
TEST_F(LoginTest, WhoGoesMeanwhileTakesNothingFromTheOthers) {
  const auto callers = crowd(2);
  introduce(*callers[0], "bob", 0s);
  while (jobs() == 0) pass(1us);
  outside_.close(callers[0]->stream, net::CloseMode::reset);
  introduce(*callers[1], "bob");
  EXPECT_THAT(callers[1]->heard, HasSubstr(kMethod));
}

// Its login would be over before it could ask for anything.
TEST_F(LoginTest, WhoOwesTheNextWordOfItsLoginHoldsUpNobodysLeaving) {
  const auto callers = crowd(2);
  introduce(*callers[0], "bob");
  introduce(*callers[1], "nobody");
  for (const auto* caller : callers) EXPECT_THAT(caller->heard, HasSubstr(kMethod));
  process_->leave();
  for (auto& lane : lanes_) lane.worker->dismiss_all();
  pass(1s);
  for (const auto* caller : callers) {
    EXPECT_THAT(caller->heard, HasSubstr("C57P01"));
    EXPECT_TRUE(caller->ended);
  }
}

}  // namespace
}  // namespace tidegate::proxy
