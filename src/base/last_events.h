// The last things that happened between one worker and its pools, kept so that a process that stops
// at a broken invariant can say what led to it. Noting one is a few stores into a fixed ring; only
// its own worker notes, and whoever stops the process prints the rings of all.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "base/time.h"

namespace tidegate {

// What a pool was told, then what it decided. The two numbers that go with each are named in
// last_events.cc; servers and clients are numbered as in SHOW SERVERS and SHOW CLIENTS.
enum class Event : std::uint8_t {
  none,
  client_wants,
  client_gone,
  server_ready,
  server_failed,
  server_released,
  assign_failed,
  server_silent,
  server_closing,
  server_gone,
  hold_changed,
  tick,
  open,
  assign,
  close,
  refuse,
};

class LastEvents {
 public:
  static constexpr std::size_t kKept = 128;

  // `now`: the worker's own, constant within a turn, so that rings of several workers can be laid
  // side by side.
  void note(Event event, Instant now, std::uint64_t first, std::uint64_t second) {
    const auto number = next_.load(std::memory_order_relaxed);
    next_.store(number + 1, std::memory_order_relaxed);
    auto& entry = ring_[number % kKept];
    entry.event.store(event, std::memory_order_relaxed);
    entry.at_ns.store(now.ns, std::memory_order_relaxed);
    entry.first.store(first, std::memory_order_relaxed);
    entry.second.store(second, std::memory_order_relaxed);
  }

  // Oldest first, one line each. Allocates nothing.
  void print(std::FILE* out) const;

 private:
  // Atomic, because another thread may print while this worker goes on; relaxed, because a torn
  // line does no harm there.
  struct Entry {
    std::atomic<std::int64_t> at_ns{0};
    std::atomic<std::uint64_t> first{0}, second{0};
    std::atomic<Event> event{Event::none};
  };
  std::array<Entry, kKept> ring_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace tidegate
