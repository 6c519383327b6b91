// A SlotMap owns values in slots that never move, and names them by handles: slot index plus
// generation. A handle whose value is gone finds nothing, also when the slot is used again, so a
// late event about something that was closed is a checked miss and never a dangling pointer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace tidegate {

// Tag makes the handles of different maps different types.
template <typename Tag>
struct Handle {
  std::uint32_t slot = 0xffffffff;
  std::uint32_t generation = 0;

  bool operator==(const Handle&) const = default;
  explicit operator bool() const { return slot != 0xffffffff; }
  std::uint64_t packed() const { return (std::uint64_t{generation} << 32) | slot; }
  static Handle unpacked(std::uint64_t value) {
    return {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)};
  }
};

template <typename T, typename Tag = T>
class SlotMap {
 public:
  using Id = Handle<Tag>;

  template <typename... Args>
  Id emplace(Args&&... args) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].value.emplace(std::forward<Args>(args)...);
    ++size_;
    return {slot, slots_[slot].generation};
  }

  T* find(Id id) {
    if (id.slot >= slots_.size()) return nullptr;
    auto& slot = slots_[id.slot];
    return slot.generation == id.generation && slot.value ? &*slot.value : nullptr;
  }
  const T* find(Id id) const { return const_cast<SlotMap*>(this)->find(id); }

  // Whoever is in the slot now, for names that carry no generation (their secret does its work).
  T* find_slot(std::uint32_t slot) {
    return slot < slots_.size() && slots_[slot].value ? &*slots_[slot].value : nullptr;
  }

  bool erase(Id id) {
    if (find(id) == nullptr) return false;
    auto& slot = slots_[id.slot];
    slot.value.reset();
    ++slot.generation;
    free_.push_back(id.slot);
    --size_;
    return true;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // In slot order. The visitor may erase the value it is given, and nothing else.
  template <typename Visitor>
  void for_each(Visitor&& visit) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].value) visit(Id{i, slots_[i].generation}, *slots_[i].value);
    }
  }

 private:
  struct Slot {
    std::optional<T> value;
    std::uint32_t generation = 1;
  };
  std::deque<Slot> slots_;  // a deque never moves what it holds
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace tidegate

template <typename Tag>
struct std::hash<tidegate::Handle<Tag>> {
  std::size_t operator()(const tidegate::Handle<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.packed());
  }
};
