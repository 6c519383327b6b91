#include "proxy/census.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tidegate::proxy {
namespace {

TEST(Census, APlaceIsFreeAgainWhenItsTicketIsDropped) {
  Gauge gauge;
  {
    const auto first = Ticket::take(gauge, 2);
    const auto second = Ticket::take(gauge, 2);
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(Ticket::take(gauge, 2));
    EXPECT_EQ(gauge.count(), 2);
  }
  EXPECT_EQ(gauge.count(), 0);
}

TEST(Census, NoLimitIsZero) {
  Gauge gauge;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 1000; ++i) tickets.push_back(Ticket::take(gauge, 0));
  EXPECT_EQ(gauge.count(), 1000);
}

TEST(Census, ATicketIsCountedOutOnceHoweverItMoved) {
  Gauge gauge, other;
  auto ticket = Ticket::take(gauge, 1);
  auto moved = std::move(ticket);
  EXPECT_FALSE(ticket);  // NOLINT(bugprone-use-after-move): that it is empty now is the point
  EXPECT_EQ(gauge.count(), 1);
  moved = Ticket::take(other, 1);  // gives its old place up
  EXPECT_EQ(gauge.count(), 0);
  EXPECT_EQ(other.count(), 1);
  moved.drop();
  moved.drop();
  EXPECT_EQ(other.count(), 0);
}

TEST(Census, TheLimitHoldsAcrossThreads) {
  constexpr int kLimit = 10;
  Gauge gauge;
  std::atomic<int> most = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      std::vector<Ticket> held;
      for (int round = 0; round < 2000; ++round) {
        if (auto ticket = Ticket::take(gauge, kLimit)) held.push_back(std::move(ticket));
        int seen = most.load();
        while (static_cast<int>(held.size()) > seen &&
               !most.compare_exchange_weak(seen, static_cast<int>(held.size()))) {
        }
        if (round % 7 == 0) held.clear();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(gauge.count(), 0);
  EXPECT_GT(most, 0);
  EXPECT_LE(most, kLimit);
}

}  // namespace
}  // namespace tidegate::proxy
