#include "pool/waiter_index.h"

#include <utility>

#include "pool/chance.h"

namespace tidegate::pool {
namespace {
constexpr std::size_t kEntriesFirst = 64;
}

std::size_t WaiterIndex::home_of(WaiterId id) const {
  return static_cast<std::size_t>(scramble(id)) & (entries_.size() - 1);
}

Waiter* WaiterIndex::find(WaiterId id) const {
  if (size_ == 0) return nullptr;
  for (auto at = home_of(id); entries_[at].waiter != nullptr; at = next(at)) {
    if (entries_[at].id == id) return entries_[at].waiter;
  }
  return nullptr;
}

void WaiterIndex::insert(Waiter& waiter) {
  if (2 * (size_ + 1) > entries_.size()) grow();
  const auto id = waiter.ticket.want.waiter;
  auto at = home_of(id);
  while (entries_[at].waiter != nullptr) at = next(at);
  entries_[at] = {id, &waiter};
  ++size_;
}

bool WaiterIndex::erase(WaiterId id) {
  if (size_ == 0) return false;
  auto hole = home_of(id);
  while (entries_[hole].waiter != nullptr && entries_[hole].id != id) hole = next(hole);
  if (entries_[hole].waiter == nullptr) return false;
  --size_;
  // Close the gap: an entry moves back when its probe path from home passes the hole.
  const auto mask = entries_.size() - 1;
  for (auto at = next(hole); entries_[at].waiter != nullptr; at = next(at)) {
    const auto from_home = (at - home_of(entries_[at].id)) & mask;
    const auto from_hole = (at - hole) & mask;
    if (from_home >= from_hole) {
      entries_[hole] = entries_[at];
      hole = at;
    }
  }
  entries_[hole] = {};
  return true;
}

void WaiterIndex::grow() {
  const auto old = std::exchange(
      entries_, std::vector<Entry>(entries_.empty() ? kEntriesFirst : 2 * entries_.size()));
  size_ = 0;
  for (const auto& entry : old) {
    if (entry.waiter != nullptr) insert(*entry.waiter);
  }
}

}  // namespace tidegate::pool
