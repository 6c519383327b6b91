#include "net/timer_wheel.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

namespace tidegate::net {
namespace {

constexpr Duration kTick{std::int64_t{1} << TimerWheel::kTickShift};

class TimerWheelTest : public testing::Test {
 protected:
  std::vector<std::uint64_t> fired_at(Instant now) {
    std::vector<std::uint64_t> cookies;
    wheel_.advance(now);
    for (TimerWheel::Expired due; wheel_.pop_expired(due);) cookies.push_back(due.cookie);
    return cookies;
  }
  using Cookies = std::vector<std::uint64_t>;

  const Instant start_{1'000'000'000'000};
  TimerWheel wheel_{start_};
};

TEST_F(TimerWheelTest, NothingArmedNeverWakes) {
  EXPECT_TRUE(wheel_.next_deadline().is_never());
  wheel_.arm(Instant::never(), nullptr, 1);
  EXPECT_TRUE(wheel_.next_deadline().is_never());
  EXPECT_EQ(fired_at(start_ + 1000h), Cookies{});
}

TEST_F(TimerWheelTest, FiresNotEarlyAndWithinATick) {
  const auto when = start_ + 10ms;
  wheel_.arm(when, nullptr, 1);
  EXPECT_EQ(fired_at(when - 1ns), Cookies{});
  EXPECT_EQ(fired_at(when + kTick), Cookies{1});
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, DeadlineInThePastWaitsForTheNextAdvance) {
  wheel_.arm(start_ - 5s, nullptr, 1);
  EXPECT_LE(wheel_.next_deadline(), start_);
  EXPECT_EQ(fired_at(start_), Cookies{1});
}

TEST_F(TimerWheelTest, ArmedWhileExpiringWaitsForTheNextAdvance) {
  const auto past = start_ - kTick;
  wheel_.arm(past, nullptr, 1);
  wheel_.advance(start_);
  TimerWheel::Expired due;
  ASSERT_TRUE(wheel_.pop_expired(due));
  wheel_.arm(past, nullptr, 2);
  EXPECT_FALSE(wheel_.pop_expired(due));
  EXPECT_EQ(fired_at(start_), Cookies{2});
}

TEST_F(TimerWheelTest, MovingLaterKeepsTheOldSlotUntilItComesUp) {
  const auto timer = wheel_.arm(start_ + 1s, nullptr, 1);
  const auto placed = wheel_.next_deadline();
  wheel_.rearm(timer, start_ + 60s);
  EXPECT_EQ(wheel_.next_deadline(), placed);
  EXPECT_EQ(fired_at(start_ + 59s), Cookies{});
  EXPECT_EQ(fired_at(start_ + 61s), Cookies{1});
}

TEST_F(TimerWheelTest, MovesEarlierAndToNeverAndBack) {
  const auto timer = wheel_.arm(start_ + 1h, nullptr, 1);
  wheel_.rearm(timer, Instant::never());
  EXPECT_TRUE(wheel_.next_deadline().is_never());
  wheel_.rearm(timer, start_ + 5ms);
  EXPECT_EQ(fired_at(start_ + 10ms), Cookies{1});
}

TEST_F(TimerWheelTest, ADueTimerCanStillBeDisarmedOrMoved) {
  const auto first = wheel_.arm(start_ + 1ms, nullptr, 1);
  const auto second = wheel_.arm(start_ + 1ms, nullptr, 2);
  wheel_.advance(start_ + 5ms);
  wheel_.disarm(first);
  wheel_.rearm(second, start_ + 20ms);
  TimerWheel::Expired due;
  EXPECT_FALSE(wheel_.pop_expired(due));
  EXPECT_EQ(fired_at(start_ + 30ms), Cookies{2});
}

TEST_F(TimerWheelTest, StaleHandlesDoNothing) {
  const auto old = wheel_.arm(start_ + 1ms, nullptr, 1);
  wheel_.disarm(old);
  wheel_.arm(start_ + 5ms, nullptr, 2);  // in the same slot
  wheel_.disarm(old);
  wheel_.rearm(old, Instant::never());
  EXPECT_EQ(fired_at(start_ + 10ms), Cookies{2});
}

TEST_F(TimerWheelTest, FarDeadlinesTakeFewWakeUps) {
  wheel_.arm(start_ + 24h, nullptr, 1);
  int wakes = 0;
  for (Cookies fired; fired.empty(); ++wakes) fired = fired_at(wheel_.next_deadline());
  EXPECT_LE(wakes, 8);
}

// The obvious wheel: a list of deadlines, looked through from end to end.
struct Model {
  std::map<std::uint64_t, Instant> armed;  // by cookie

  std::vector<std::uint64_t> surely_due(Instant now) const {
    std::vector<std::uint64_t> out;
    for (const auto& [cookie, when] : armed) {
      if (!when.is_never() && when + kTick <= now) out.push_back(cookie);
    }
    return out;
  }
};

Instant pick_deadline(Instant now) {
  switch (*rc::gen::inRange(0, 10)) {
    case 0:
      return Instant::never();
    case 1:
      return now - Duration(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000));
    case 2:
      return now + std::chrono::hours(*rc::gen::inRange(1, 10'000));
    case 3:
      return now + std::chrono::seconds(*rc::gen::inRange(1, 10'000));
    default:
      return now + Duration(*rc::gen::inRange<std::int64_t>(0, 300'000'000));
  }
}

TEST(TimerWheelProperty, BehavesAsTheModel) {
  const bool holds = rc::check("wheel = model", [] {
    Instant now{*rc::gen::inRange<std::int64_t>(std::int64_t{1} << 40, std::int64_t{1} << 50)};
    TimerWheel wheel(now);
    Model model;
    std::vector<TimerId> timers;
    const int steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      const int kind = timers.empty() ? 0 : *rc::gen::inRange(0, 5);
      if (kind == 0) {
        const auto when = pick_deadline(now);
        model.armed[timers.size()] = when;
        timers.push_back(wheel.arm(when, nullptr, timers.size()));
      } else if (kind <= 2) {
        const auto which = *rc::gen::inRange<std::size_t>(0, timers.size());
        const auto when = pick_deadline(now);
        wheel.rearm(timers[which], when);
        if (model.armed.contains(which)) model.armed[which] = when;
      } else if (kind == 3) {
        const auto which = *rc::gen::inRange<std::size_t>(0, timers.size());
        wheel.disarm(timers[which]);
        model.armed.erase(which);
      } else {
        const auto next = pick_deadline(now);
        if (!next.is_never()) now = std::max(now, next);
        wheel.advance(now);
        for (TimerWheel::Expired due; wheel.pop_expired(due);) {
          RC_ASSERT(model.armed.contains(due.cookie));
          RC_ASSERT(model.armed[due.cookie] <= now);
          model.armed.erase(due.cookie);
        }
        RC_ASSERT(model.surely_due(now).empty());
      }
      RC_ASSERT(wheel.size() == model.armed.size());
      for (const auto& [cookie, when] : model.armed) {
        RC_ASSERT(when.is_never() || wheel.next_deadline() <= when + kTick);
      }
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace tidegate::net
