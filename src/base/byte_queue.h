// Bytes that wait: a first-in first-out queue over fixed blocks from a pool. An empty queue holds
// no block, which is why an idle client costs no buffer. Blocks belong to one worker; a queue that
// moves to another worker is emptied first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace tidegate {

// Hands out blocks of kBlockBytes and keeps some that came back for the next in need.
class BlockPool {
 public:
  static constexpr std::size_t kBlockBytes = 4096;

  struct Block {
    Block* next = nullptr;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint8_t data[kBlockBytes - 16];
  };
  static_assert(sizeof(Block) == kBlockBytes);

  // Keeps at most `spare_max` unused blocks; more go back to the allocator.
  explicit BlockPool(std::size_t spare_max = 256) : spare_max_(spare_max) {}
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  Block* take();
  void give_back(Block* block);
  std::size_t in_use() const { return in_use_; }

 private:
  Block* spare_ = nullptr;
  std::size_t spare_count_ = 0;
  std::size_t spare_max_;
  std::size_t in_use_ = 0;
};

class ByteQueue {
 public:
  ByteQueue() = default;
  ~ByteQueue();
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ByteQueue(ByteQueue&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}

  void append(BlockPool& pool, Bytes bytes);
  // The first bytes, as many as lie together. Valid until the next change of the queue.
  Bytes front() const;
  void consume(std::size_t count);
  void clear() { consume(size_); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Fills `out` with up to `max` spans, in order; gives how many. For gathered writes.
  std::size_t gather(Bytes* out, std::size_t max) const;

 private:
  BlockPool* pool_ = nullptr;
  BlockPool::Block* head_ = nullptr;
  BlockPool::Block* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tidegate
