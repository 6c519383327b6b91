#include "net/timer_wheel.h"

#include <bit>

#include "base/check.h"

namespace tidegate::net {
namespace {

constexpr std::int64_t kNeverTick = std::numeric_limits<std::int64_t>::max();

}  // namespace

TimerWheel::TimerWheel(Instant start) : tick_(start.ns >> kTickShift) {}

std::int64_t TimerWheel::tick_of(Instant when) {
  if (when.is_never()) return kNeverTick;
  return (when.ns >> kTickShift) + ((when.ns & ((1 << kTickShift) - 1)) != 0 ? 1 : 0);
}

TimerWheel::Node* TimerWheel::find(TimerId timer) {
  if (timer.slot >= nodes_.size()) return nullptr;
  auto& node = nodes_[timer.slot];
  return node.armed && node.generation == timer.generation ? &node : nullptr;
}

TimerId TimerWheel::arm(Instant when, TimerHandler* handler, std::uint64_t cookie) {
  std::uint32_t index = free_;
  if (index == kNone) {
    index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    free_ = nodes_[index].next;
  }
  auto& node = nodes_[index];
  node.tick = tick_of(when);
  node.handler = handler;
  node.cookie = cookie;
  node.previous = node.next = kNone;
  node.armed = true;
  ++size_;
  place(index);
  return {index, node.generation};
}

void TimerWheel::rearm(TimerId timer, Instant when) {
  auto* node = find(timer);
  if (node == nullptr) return;
  node->tick = tick_of(when);
  const bool in_a_slot = node->list < kDueList;
  if (in_a_slot && node->tick >= placed_tick(*node) && node->tick != kNeverTick) return;
  unlink(timer.slot);
  place(timer.slot);
}

void TimerWheel::disarm(TimerId timer) {
  if (find(timer) == nullptr) return;
  unlink(timer.slot);
  free_node(timer.slot);
}

void TimerWheel::free_node(std::uint32_t index) {
  auto& node = nodes_[index];
  node.armed = false;
  ++node.generation;
  node.next = free_;
  free_ = index;
  --size_;
}

// The first tick of the slot where a node lies. A slot lies ahead of tick_ within the current turn
// of its ring, so the rings above it are those of tick_.
std::int64_t TimerWheel::placed_tick(const Node& node) const {
  const int ring = node.list / kSlots;
  const int shift = ring * kRingBits;
  const std::int64_t slot = node.list % kSlots;
  return ((tick_ >> (shift + kRingBits)) << (shift + kRingBits)) | (slot << shift);
}

// A node lies in the ring of the highest digit (base 64) in which its tick differs from tick_.
void TimerWheel::place(std::uint32_t index) {
  const auto tick = nodes_[index].tick;
  if (tick == kNeverTick) return;
  if (tick <= tick_) return append(kDueList, index);
  const auto differing = static_cast<std::uint64_t>(tick ^ tick_);
  const int ring = (63 - std::countl_zero(differing)) / kRingBits;
  TG_CHECK(ring < kRings);
  const auto slot = static_cast<std::uint32_t>(tick >> (ring * kRingBits)) & (kSlots - 1);
  append(static_cast<std::uint16_t>(ring * kSlots + slot), index);
}

void TimerWheel::append(std::uint16_t list, std::uint32_t index) {
  auto& node = nodes_[index];
  auto& ends = lists_[list];
  node.list = list;
  node.previous = ends.last;
  node.next = kNone;
  (ends.last == kNone ? ends.first : nodes_[ends.last].next) = index;
  ends.last = index;
  if (list < kDueList) occupied_[list / kSlots] |= std::uint64_t{1} << (list % kSlots);
}

void TimerWheel::unlink(std::uint32_t index) {
  auto& node = nodes_[index];
  if (node.list == kNoList) return;
  auto& ends = lists_[node.list];
  (node.previous == kNone ? ends.first : nodes_[node.previous].next) = node.next;
  (node.next == kNone ? ends.last : nodes_[node.next].previous) = node.previous;
  if (ends.first == kNone && node.list < kDueList) {
    occupied_[node.list / kSlots] &= ~(std::uint64_t{1} << (node.list % kSlots));
  }
  node.list = kNoList;
}

// The first tick of the first occupied slot. The lowest ring that has one holds it, for a ring's
// slots all lie within the current slot of the ring above.
std::int64_t TimerWheel::next_tick() const {
  for (int ring = 0; ring < kRings; ++ring) {
    if (occupied_[ring] == 0) continue;
    const int shift = ring * kRingBits;
    const std::int64_t slot = std::countr_zero(occupied_[ring]);
    return ((tick_ >> (shift + kRingBits)) << (shift + kRingBits)) | (slot << shift);
  }
  return kNeverTick;
}

Instant TimerWheel::next_deadline() const {
  if (lists_[kDueList].first != kNone || lists_[kExpiredList].first != kNone) return Instant{};
  const auto tick = next_tick();
  return tick == kNeverTick ? Instant::never() : Instant{tick << kTickShift};
}

void TimerWheel::advance(Instant now) {
  const auto target = now.ns >> kTickShift;
  spread(kDueList);
  for (auto tick = next_tick(); tick <= target; tick = next_tick()) {
    int ring = 0;
    while (occupied_[ring] == 0) ++ring;
    const auto slot = std::countr_zero(occupied_[ring]);
    tick_ = tick;
    spread(static_cast<std::uint16_t>(ring * kSlots + slot));
  }
  if (target > tick_) tick_ = target;
}

// Empties a list whose time has come: its nodes are due, or move on to where they belong.
void TimerWheel::spread(std::uint16_t list) {
  for (auto index = lists_[list].first; index != kNone;) {
    const auto next = nodes_[index].next;
    unlink(index);
    if (nodes_[index].tick <= tick_) {
      append(kExpiredList, index);
    } else {
      place(index);
    }
    index = next;
  }
}

bool TimerWheel::pop_expired(Expired& out) {
  const auto index = lists_[kExpiredList].first;
  if (index == kNone) return false;
  const auto& node = nodes_[index];
  out = {{index, node.generation}, node.handler, node.cookie};
  unlink(index);
  free_node(index);
  return true;
}

}  // namespace tidegate::net
