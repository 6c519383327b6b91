// Who waits for a server of one route, in the order in which they will be served: by priority, and
// within a priority first come first served. The one exception is small and bounded: so that
// servers rarely move between workers, a waiter on the server's own worker may go first. It must
// stand among the first overtake_max + 1 of its priority; each waiter is overtaken at most
// overtake_max times, and none that has waited longer than overtake_wait_max.
#pragma once

#include <array>

#include "pool/codel.h"
#include "pool/waiter.h"

namespace tidegate::pool {

class WaiterQueue {
 public:
  // Priorities beyond the last count as the last.
  static constexpr int kPriorities = 4;

  struct Pick {
    Waiter* waiter = nullptr;
    int overtaken = 0;  // how many it went before
  };

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // A newcomer stands last of its priority, one that comes back stands where its number says.
  void push(Waiter& waiter);
  void remove(Waiter& waiter);
  // Who is to have a server that lives on `worker`; stays in the queue. The overtaken are marked.
  Pick next_for(WorkerIndex worker, Instant now, const UpstreamLimits& limits);
  Waiter* front() const { return at(0); }
  // The waiter at `position` from the front, or the last one before it. Walks.
  Waiter* at(int position) const;
  Instant oldest_since() const;

  // Overload is judged per priority: a starved low one does not hide behind a quick high one.
  void served(const Ticket& ticket, Instant now, const RouteLimits& limits);
  // Somebody whom the overload rule sheds now, or null.
  Waiter* overdue(Instant now, const RouteLimits& limits);
  Instant shed_at(const RouteLimits& limits) const;

 private:
  using List = IntrusiveList<Waiter, &Waiter::in_level>;
  struct Level {
    List waiters;
    Codel codel;
  };

  static int level_index(const Ticket& ticket);
  Level& level_of(const Ticket& ticket) { return levels_[level_index(ticket)]; }

  std::array<Level, kPriorities> levels_;
  int size_ = 0;
};

}  // namespace tidegate::pool
