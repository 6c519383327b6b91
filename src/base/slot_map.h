// A SlotMap owns values in slots that never move, and names them by handles: slot index plus
// generation. A handle whose value is gone finds nothing, also when the slot is used again, so a
// late event about something that was closed is a checked miss and never a dangling pointer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
      slot = slot_count_++;
      if (slot % kChunk == 0) chunks_.push_back(std::make_unique<Slot[]>(kChunk));
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    auto& taken = at(slot);
    taken.value.emplace(std::forward<Args>(args)...);
    ++size_;
    return {slot, taken.generation};
  }

  T* find(Id id) {
    if (id.slot >= slot_count_) return nullptr;
    auto& slot = at(id.slot);
    return slot.generation == id.generation && slot.value ? &*slot.value : nullptr;
  }
  const T* find(Id id) const { return const_cast<SlotMap*>(this)->find(id); }

  // Whoever is in the slot now, for names that carry no generation (their secret does its work).
  T* find_slot(std::uint32_t slot) {
    return slot < slot_count_ && at(slot).value ? &*at(slot).value : nullptr;
  }

  bool erase(Id id) {
    if (find(id) == nullptr) return false;
    auto& slot = at(id.slot);
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
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      if (at(i).value) visit(Id{i, at(i).generation}, *at(i).value);
    }
  }

 private:
  struct Slot {
    std::optional<T> value;
    std::uint32_t generation = 1;
  };
  static constexpr std::uint32_t kChunk = 64;

  Slot& at(std::uint32_t slot) { return chunks_[slot / kChunk][slot % kChunk]; }

  std::vector<std::unique_ptr<Slot[]>> chunks_;  // of kChunk slots, which never move
  std::vector<std::uint32_t> free_;
  std::uint32_t slot_count_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tidegate

template <typename Tag>
struct std::hash<tidegate::Handle<Tag>> {
  std::size_t operator()(const tidegate::Handle<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.packed());
  }
};
