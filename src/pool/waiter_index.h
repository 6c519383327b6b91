// Finds a waiter by its id: open addressing, linear probing, at most half full, no tombstones.
// Allocates only when it grows. It is never iterated, so its order cannot matter.
#pragma once

#include <cstddef>
#include <vector>

#include "pool/waiter.h"

namespace tidegate::pool {

class WaiterIndex {
 public:
  Waiter* find(WaiterId id) const;
  // The id must be absent.
  void insert(Waiter& waiter);
  // True when the id was present.
  bool erase(WaiterId id);
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    WaiterId id = 0;
    Waiter* waiter = nullptr;
  };

  std::size_t home_of(WaiterId id) const;
  std::size_t next(std::size_t at) const { return (at + 1) & (entries_.size() - 1); }
  void grow();

  std::vector<Entry> entries_;  // a power of two of them, or none
  std::size_t size_ = 0;
};

}  // namespace tidegate::pool
