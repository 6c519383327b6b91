// How clients are named: by slot within their worker, by a number across workers (for the pool),
// and by a process id that fits PostgreSQL's 31 bits (for cancel requests).
#pragma once

#include <cstdint>
#include <optional>

#include "base/slot_map.h"
#include "pool/pool.h"

namespace tidegate::proxy {

struct ClientTag;
using ClientId = Handle<ClientTag>;
using pool::WorkerIndex;

inline constexpr int kWorkersMax = 128;                     // 7 bits of a process id
inline constexpr std::uint32_t kClientSlotsMax = 1u << 20;  // of one worker: 20 bits
inline constexpr std::uint32_t kLivesMax = (1u << 4) - 1;   // the other 4, which are never 0

struct ClientName {
  WorkerIndex worker = 0;
  ClientId id;
};

// worker (8 bits) | slot (24 bits) | generation (32 bits)
inline pool::WaiterId waiter_of(const ClientName& name) {
  return (std::uint64_t{name.worker} << 56) | (std::uint64_t{name.id.slot} << 32) |
         name.id.generation;
}
inline ClientName client_of(pool::WaiterId waiter) {
  return {
      static_cast<WorkerIndex>(waiter >> 56),
      {static_cast<std::uint32_t>(waiter >> 32) & 0xffffff, static_cast<std::uint32_t>(waiter)}};
}

// The pid that a client is told: never negative as an int32, beyond those that Linux gives (2^22),
// and another one for the next that come to the same slot.
inline std::uint32_t cancel_pid_of(const ClientName& name) {
  const auto life = 1 + name.id.generation % kLivesMax;
  return life << 27 | std::uint32_t{name.worker} << 20 | name.id.slot;
}
struct CancelTarget {
  WorkerIndex worker = 0;
  std::uint32_t slot = 0;
};
inline std::optional<CancelTarget> cancel_target_of(std::uint32_t pid) {
  const auto life = pid >> 27;
  if (life == 0 || life > kLivesMax) return std::nullopt;
  return CancelTarget{static_cast<WorkerIndex>((pid >> 20) & (kWorkersMax - 1)),
                      pid & (kClientSlotsMax - 1)};
}

}  // namespace tidegate::proxy
