#include "pool/waiter_queue.h"

#include <deque>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "pool/backoff.h"
#include "pool/chance.h"
#include "pool/fair_share.h"
#include "pool/sizing.h"
#include "pool/waiter_index.h"

namespace tidegate::pool {
namespace {

class WaiterQueueTest : public ::testing::Test {
 protected:
  Waiter& waiter(std::uint64_t number, WorkerIndex worker = 0, std::uint8_t priority = 1) {
    Waiter& w = store_.emplace_back();
    w.ticket = {.want = {.waiter = number, .worker = worker, .priority = priority},
                .since = now_,
                .number = number};
    return w;
  }
  WaiterId next(WorkerIndex worker = 0) {
    Waiter* const w = queue_.next_for(worker, now_, limits_).waiter;
    if (w == nullptr) return 0;
    queue_.remove(*w);
    return w->ticket.number;
  }

  std::deque<Waiter> store_;
  WaiterQueue queue_;
  Instant now_{1000};
  UpstreamLimits limits_{.overtake_max = 2, .overtake_wait_max = 1ms};
};

TEST_F(WaiterQueueTest, WhoComesBackStandsWhereItStood) {
  for (const std::uint64_t number : {2, 5, 8}) queue_.push(waiter(number));
  for (const std::uint64_t number : {6, 1, 9}) queue_.push(waiter(number));
  for (const std::uint64_t expected : {1, 2, 5, 6, 8, 9, 0}) EXPECT_EQ(next(), expected);
}

TEST_F(WaiterQueueTest, PrioritiesBeyondTheLastCountAsTheLast) {
  queue_.push(waiter(1, 0, 255));
  queue_.push(waiter(2, 0, 3));
  queue_.push(waiter(3, 0, 2));
  for (const std::uint64_t expected : {3, 1, 2}) EXPECT_EQ(next(), expected);
}

TEST_F(WaiterQueueTest, EachIsOvertakenAtMostSoOften) {
  queue_.push(waiter(1, 7));
  for (std::uint64_t number = 2; number <= 6; ++number) queue_.push(waiter(number, 0));
  for (const std::uint64_t expected : {2, 3, 1, 4}) EXPECT_EQ(next(0), expected);
}

TEST_F(WaiterQueueTest, NoneGoesBeforeMoreThanTheBound) {
  for (std::uint64_t number = 1; number <= 3; ++number) queue_.push(waiter(number, 7));
  queue_.push(waiter(4, 0));
  EXPECT_EQ(next(0), 1u) << "three ahead, two may be overtaken";
  EXPECT_EQ(next(0), 4u);
}

TEST_F(WaiterQueueTest, OvertakingStaysWithinAPriority) {
  queue_.push(waiter(1, 7, 0));
  queue_.push(waiter(2, 0, 1));
  EXPECT_EQ(next(0), 1u);
}

TEST_F(WaiterQueueTest, OverloadOfALowPriorityDoesNotHideBehindAHighOne) {
  const RouteLimits rule{.shed_target = 10us, .shed_interval = 100us};
  Waiter& low = waiter(1, 0, 2);
  queue_.push(low);
  for (int i = 0; i < 20; ++i) {
    now_ = now_ + 10us;
    queue_.served(waiter(100, 0, 0).ticket, now_, rule);
    queue_.served(low.ticket, now_, rule);
  }
  EXPECT_EQ(queue_.overdue(now_, rule), &low);
}

TEST(WaiterIndex, FindsWhatWasPutInAndNothingElse) {
  std::mt19937 random(3);
  std::deque<Waiter> store(400);
  std::map<WaiterId, Waiter*> model;
  WaiterIndex index;
  for (int i = 0; i < 20000; ++i) {
    const WaiterId id = random() % 400;
    if (model.contains(id)) {
      EXPECT_TRUE(index.erase(id));
      model.erase(id);
    } else {
      EXPECT_FALSE(index.erase(id));
      store[id].ticket.want.waiter = id;
      index.insert(store[id]);
      model[id] = &store[id];
    }
    const WaiterId other = random() % 400;
    EXPECT_EQ(index.find(other), model.contains(other) ? model[other] : nullptr);
    ASSERT_EQ(index.size(), model.size());
  }
}

struct Item {
  int key = 0;
  std::uint32_t position = kNotInHeap;
};

TEST(IndexedHeap, TopIsTheSmallestThroughAllChanges) {
  std::mt19937 random(4);
  std::vector<Item> items(50);
  IndexedHeap<Item, int, &Item::position> heap;
  for (int i = 0; i < 20000; ++i) {
    Item& item = items[random() % items.size()];
    if (random() % 3 == 0) {
      heap.remove(item);
    } else {
      item.key = static_cast<int>(random() % 100);
      heap.put(item, item.key);
    }
    int least = 1000, inside = 0;
    for (const auto& other : items) {
      if (!heap.contains(other)) continue;
      ++inside;
      least = std::min(least, other.key);
    }
    ASSERT_EQ(heap.size(), inside);
    ASSERT_EQ(heap.empty() ? 1000 : heap.top_key(), least);
  }
}

TEST(Backoff, GrowsToItsCapAndNeverBeyond) {
  Backoff backoff;
  Instant now{0};
  for (int i = 0; i < 100; ++i) {
    backoff.failed(now, 100ms, 15s, 1);
    EXPECT_TRUE(backoff.resting(now));
    EXPECT_LE(backoff.retry_at() - now, 15s);
    EXPECT_GE(backoff.retry_at() - now, 75ms);
    now = backoff.retry_at();
    EXPECT_FALSE(backoff.resting(now));
  }
}

TEST(Chance, ShortensByNoMoreThanThePart) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Duration life = shortened(3600s, 10, scramble(i));
    EXPECT_GT(life, 3240s);
    EXPECT_LE(life, 3600s);
  }
}

TEST(Sizing, CountsWhatIsMissing) {
  const RouteLimits limits{.pool_size = 4, .max_overflow = 2, .min_idle = 2};
  EXPECT_EQ(servers_missing(limits, {.waiting = 3, .coming = 1, .size = 1}), 2);
  EXPECT_EQ(servers_missing(limits, {.waiting = 9, .coming = 0, .size = 4}), 2);
  EXPECT_EQ(servers_missing(limits, {.waiting = 1, .coming = 3, .size = 3}), 0);
  EXPECT_EQ(spares_missing(limits, {.waiting = 0, .coming = 1, .idle = 0, .size = 1}), 1);
  EXPECT_EQ(spares_missing(limits, {.waiting = 2, .coming = 2, .idle = 0, .size = 3}), 1);
  EXPECT_EQ(spares_missing(limits, {.waiting = 0, .coming = 0, .idle = 0, .size = 4}), 0);
  EXPECT_EQ(pins_max({.pool_size = 1}), 1);
  EXPECT_EQ(pins_max({.pool_size = 9}), 8);
  EXPECT_EQ(pins_max({.pool_size = 9, .pins_max = 3}), 3);
  EXPECT_EQ(shed_target({.pool_timeout = 30s}), 7500ms);
  EXPECT_EQ(shed_target({.pool_timeout = 30s, .shed_target = 1s}), 1s);
}

TEST(FairShare, MovesAreNeverUndoneByTheNext) {
  // If one of two routes in need may take a busy server of the other, then not the other way after.
  for (int a = 1; a < 12; ++a) {
    for (int b = 1; b < 12; ++b) {
      if (!may_take_busy({NeedKind::clients, a}, b, 10s, 10s, 1s)) continue;
      EXPECT_FALSE(may_take_busy({NeedKind::clients, b - 1}, a + 1, 10s, 10s, 1s)) << a << " " << b;
    }
  }
}

TEST(FairShare, StrandedRoutesComeFirstAndSparesTakeNothing) {
  EXPECT_LT((Need{NeedKind::stranded, 3}), (Need{NeedKind::clients, 0}));
  EXPECT_TRUE(may_take_idle({NeedKind::stranded, 0}, 1, 0s, 1s));
  EXPECT_FALSE(may_take_idle({NeedKind::clients, 1}, 1, 0s, 1s));
  EXPECT_TRUE(may_take_idle({NeedKind::clients, 1}, 1, 1s, 1s));
  EXPECT_FALSE(may_take_busy({NeedKind::stranded, 0}, 1, 2s, 0s, 1s));
  EXPECT_TRUE(may_take_busy({NeedKind::stranded, 0}, 1, 2s, 2s, 1s));
  EXPECT_FALSE(may_take_idle({NeedKind::spare, 0}, 9, 9s, 1s));
  EXPECT_FALSE(may_take_busy({NeedKind::spare, 0}, 9, 9s, 9s, 1s));
}

}  // namespace
}  // namespace tidegate::pool
