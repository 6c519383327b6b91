#include "pool/waiter_queue.h"

#include <algorithm>

#include "base/planted.h"
#include "pool/sizing.h"

namespace tidegate::pool {
namespace {

CodelRule rule_of(const RouteLimits& limits) {
  return {shed_target(limits), limits.shed_interval};
}

// Without a pool_timeout nobody waits in vain, and nobody is shed unless a target is written down.
bool sheds(const RouteLimits& limits) {
  return limits.shed && shed_target(limits) > Duration{0};
}

}  // namespace

int WaiterQueue::level_index(const Ticket& ticket) {
  return std::min<int>(ticket.want.priority, kPriorities - 1);
}

void WaiterQueue::push(Waiter& waiter) {
  auto& list = level_of(waiter.ticket).waiters;
  ++size_;
  if (planted(Planted::fifo_broken)) return list.push_front(waiter);
  Waiter* place = nullptr;
  if (!list.empty() && list.back()->ticket.number > waiter.ticket.number) {
    place = list.front();
    while (place->ticket.number < waiter.ticket.number) place = List::next(*place);
  }
  list.insert_before(place, waiter);
}

void WaiterQueue::remove(Waiter& waiter) {
  auto& level = level_of(waiter.ticket);
  level.waiters.erase(waiter);
  if (level.waiters.empty()) level.codel.calm();
  --size_;
}

WaiterQueue::Pick WaiterQueue::next_for(WorkerIndex worker, Instant now,
                                        const UpstreamLimits& limits) {
  Waiter* const first = front();
  if (first == nullptr) return {};
  int ahead = 0;
  Waiter* chosen = first;
  while (chosen != nullptr && chosen->ticket.want.worker != worker) {
    const Ticket& ticket = chosen->ticket;
    const bool may_be_overtaken = ahead < limits.overtake_max &&
                                  ticket.overtaken < limits.overtake_max &&
                                  now - ticket.since <= limits.overtake_wait_max;
    if (!may_be_overtaken) return {first, 0};
    chosen = List::next(*chosen);
    ++ahead;
  }
  if (chosen == nullptr) return {first, 0};
  for (Waiter* w = first; w != chosen; w = List::next(*w)) ++w->ticket.overtaken;
  return {chosen, ahead};
}

Waiter* WaiterQueue::at(int position) const {
  Waiter* last = nullptr;
  for (const auto& level : levels_) {
    for (Waiter* w = level.waiters.front(); w != nullptr; w = List::next(*w)) {
      if (position-- == 0) return w;
      last = w;
    }
  }
  return last;
}

Instant WaiterQueue::oldest_since() const {
  Instant oldest = Instant::never();
  for (const auto& level : levels_) {
    if (!level.waiters.empty()) oldest = std::min(oldest, level.waiters.front()->ticket.since);
  }
  return oldest;
}

void WaiterQueue::served(const Ticket& ticket, Instant now, const RouteLimits& limits) {
  auto& codel = level_of(ticket).codel;
  if (!sheds(limits)) return codel.calm();
  codel.served(now - ticket.since, now, rule_of(limits));
}

Waiter* WaiterQueue::overdue(Instant now, const RouteLimits& limits) {
  if (!sheds(limits)) return nullptr;
  for (auto& level : levels_) {
    if (level.codel.stalled(now, rule_of(limits))) level.codel.calm();
    Waiter* const first = level.waiters.front();
    if (first == nullptr) continue;
    if (level.codel.shed_at(first->ticket.since, rule_of(limits)) <= now) return first;
  }
  return nullptr;
}

Instant WaiterQueue::shed_at(const RouteLimits& limits) const {
  Instant earliest = Instant::never();
  if (!sheds(limits)) return earliest;
  for (const auto& level : levels_) {
    if (level.waiters.empty()) continue;
    const Instant since = level.waiters.front()->ticket.since;
    earliest = std::min(earliest, level.codel.shed_at(since, rule_of(limits)));
  }
  return earliest;
}

}  // namespace tidegate::pool
