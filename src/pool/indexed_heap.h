// A binary heap that knows where each member stands, so that a member can leave, or change its key,
// in O(log n). The position is kept in the member itself (kNotInHeap when outside). The smallest
// key is on top; keys are compared by value only, so the order never depends on addresses.
#pragma once

#include <cstdint>
#include <vector>

namespace tidegate::pool {

inline constexpr std::uint32_t kNotInHeap = 0xffffffff;

template <typename T, typename Key, std::uint32_t T::* position>
class IndexedHeap {
 public:
  bool empty() const { return entries_.empty(); }
  int size() const { return static_cast<int>(entries_.size()); }
  bool contains(const T& item) const { return item.*position != kNotInHeap; }
  T* top() const { return entries_.empty() ? nullptr : entries_.front().item; }
  const Key& top_key() const { return entries_.front().key; }
  const Key& key(const T& item) const { return entries_[item.*position].key; }

  // Puts `item` in, or moves it when its key has changed.
  void put(T& item, const Key& key) {
    if (!contains(item)) {
      entries_.push_back({key, &item});
      rise(entries_.size() - 1, {key, &item});
    } else if (entries_[item.*position].key != key) {
      settle(item.*position, {key, &item});
    }
  }

  void remove(T& item) {
    if (!contains(item)) return;
    const std::size_t hole = item.*position;
    item.*position = kNotInHeap;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (hole < entries_.size()) settle(hole, last);
  }

 private:
  struct Entry {
    Key key;
    T* item;
  };

  void place(std::size_t at, const Entry& entry) {
    entries_[at] = entry;
    entry.item->*position = static_cast<std::uint32_t>(at);
  }

  // Finds the place of `entry`, given that the place `hole` is free.
  void settle(std::size_t hole, const Entry& entry) {
    const bool above_parent = hole > 0 && entry.key < entries_[(hole - 1) / 2].key;
    above_parent ? rise(hole, entry) : sink(hole, entry);
  }

  void rise(std::size_t hole, Entry entry) {
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / 2;
      if (!(entry.key < entries_[parent].key)) break;
      place(hole, entries_[parent]);
      hole = parent;
    }
    place(hole, entry);
  }

  void sink(std::size_t hole, Entry entry) {
    for (std::size_t child = 2 * hole + 1; child < entries_.size(); child = 2 * hole + 1) {
      if (child + 1 < entries_.size() && entries_[child + 1].key < entries_[child].key) ++child;
      if (!(entries_[child].key < entry.key)) break;
      place(hole, entries_[child]);
      hole = child;
    }
    place(hole, entry);
  }

  std::vector<Entry> entries_;
};

}  // namespace tidegate::pool
