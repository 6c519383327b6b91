// A timer wheel: eight rings of 64 slots, where a slot of one ring spans a whole turn of the ring
// below it. Arming, disarming and expiring cost the same however many timers there are. Moving a
// timer later - what an idle timeout does at every message - only notes the new time: the timer
// stays where it lies, and moves on when its old slot comes up.
//
// Pure: told the time, asks nobody. A tick is 2^20 ns, about 1.05 ms; a timer fires at the first
// tick that is not before its instant, so never early and less than one tick late.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "net/reactor.h"

namespace tidegate::net {

class TimerWheel {
 public:
  static constexpr int kTickShift = 20;

  explicit TimerWheel(Instant start);

  TimerId arm(Instant when, TimerHandler* handler, std::uint64_t cookie);
  void rearm(TimerId timer, Instant when);
  void disarm(TimerId timer);

  // When advance() has to be called next; never, if nothing is armed. May be early (a slot that
  // only has to be spread over the ring below), not late.
  Instant next_deadline() const;

  // Moves time on. What is due by now waits for pop_expired(); what gets armed meanwhile, however
  // early its instant, waits for the next advance().
  void advance(Instant now);
  struct Expired {
    TimerId timer;
    TimerHandler* handler = nullptr;
    std::uint64_t cookie = 0;
  };
  bool pop_expired(Expired& out);

  std::size_t size() const { return size_; }

 private:
  static constexpr int kRings = 8;
  static constexpr int kRingBits = 6;
  static constexpr std::uint32_t kSlots = 1u << kRingBits;
  static constexpr std::uint32_t kNone = 0xffffffff;
  // Lists: one per slot, then those that are due at the next advance, and those that are due now.
  static constexpr std::uint16_t kDueList = kRings * kSlots;
  static constexpr std::uint16_t kExpiredList = kDueList + 1;
  static constexpr std::uint16_t kLists = kExpiredList + 1;
  static constexpr std::uint16_t kNoList = kLists;

  struct Node {
    std::int64_t tick = 0;  // when to fire; may lie after the slot where the node is
    TimerHandler* handler = nullptr;
    std::uint64_t cookie = 0;
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    std::uint32_t generation = 1;
    std::uint16_t list = kNoList;
    bool armed = false;
  };
  struct List {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };

  static std::int64_t tick_of(Instant when);
  Node* find(TimerId timer);
  std::int64_t placed_tick(const Node& node) const;
  std::int64_t next_tick() const;
  void place(std::uint32_t index);
  void append(std::uint16_t list, std::uint32_t index);
  void unlink(std::uint32_t index);
  void spread(std::uint16_t list);
  void free_node(std::uint32_t index);

  std::int64_t tick_;  // every slot up to this one has been emptied
  std::vector<Node> nodes_;
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
  std::array<List, kLists> lists_;
  std::array<std::uint64_t, kRings> occupied_{};  // one bit per slot
};

}  // namespace tidegate::net
