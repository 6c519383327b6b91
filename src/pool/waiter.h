// A ticket is what a client holds from the moment it asks: what it wants, since when, and its
// number in the order of coming. A waiter is a ticket in a queue. The ticket goes on to the server
// that the client is given, so that it can come back with its old place if that server is dead.
#pragma once

#include "pool/indexed_heap.h"
#include "pool/intrusive_list.h"
#include "pool/pool.h"

namespace tidegate::pool {

struct Route;
struct Waiter;
using WaiterSlot = Handle<Waiter>;

struct Ticket {
  Want want;                 // want.deadline already includes pool_timeout
  Instant since;             // when it began to wait
  std::uint64_t number = 0;  // order of coming, over all routes
  int overtaken = 0;         // how often a later one was served first
};

struct Waiter {
  Ticket ticket;
  Route* route = nullptr;
  WaiterSlot slot;
  ListHook<Waiter> in_level;
  std::uint32_t deadline_position = kNotInHeap;
};

// Equal deadlines expire in the order of coming.
struct DeadlineKey {
  Instant at;
  std::uint64_t number = 0;
  auto operator<=>(const DeadlineKey&) const = default;
};

}  // namespace tidegate::pool
