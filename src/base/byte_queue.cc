#include "base/byte_queue.h"

#include <algorithm>

#include "base/check.h"

namespace tidegate {

BlockPool::~BlockPool() {
  while (spare_ != nullptr) delete std::exchange(spare_, spare_->next);
}

BlockPool::Block* BlockPool::take() {
  ++in_use_;
  if (spare_ == nullptr) return new Block;
  --spare_count_;
  Block* block = std::exchange(spare_, spare_->next);
  block->next = nullptr;
  block->begin = block->end = 0;
  return block;
}

void BlockPool::give_back(Block* block) {
  TG_CHECK(in_use_ > 0);
  --in_use_;
  if (spare_count_ >= spare_max_) {
    delete block;
    return;
  }
  block->next = spare_;
  spare_ = block;
  ++spare_count_;
}

ByteQueue::~ByteQueue() {
  clear();
}

void ByteQueue::append(BlockPool& pool, Bytes bytes) {
  if (bytes.empty()) return;
  TG_CHECK(pool_ == nullptr || pool_ == &pool);
  pool_ = &pool;
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->end == sizeof tail_->data) {
      auto* block = pool.take();
      (tail_ == nullptr ? head_ : tail_->next) = block;
      tail_ = block;
    }
    const auto room = std::min(bytes.size(), sizeof tail_->data - tail_->end);
    std::memcpy(tail_->data + tail_->end, bytes.data(), room);
    tail_->end += static_cast<std::uint32_t>(room);
    bytes = bytes.subspan(room);
  }
}

Bytes ByteQueue::front() const {
  if (head_ == nullptr) return {};
  return {head_->data + head_->begin, head_->end - head_->begin};
}

void ByteQueue::consume(std::size_t count) {
  TG_CHECK(count <= size_);
  size_ -= count;
  while (count > 0) {
    const auto here = std::min<std::size_t>(count, head_->end - head_->begin);
    head_->begin += static_cast<std::uint32_t>(here);
    count -= here;
    if (head_->begin == head_->end) pool_->give_back(std::exchange(head_, head_->next));
  }
  if (head_ == nullptr) {
    tail_ = nullptr;
    pool_ = nullptr;
  }
}

std::size_t ByteQueue::gather(Bytes* out, std::size_t max) const {
  std::size_t count = 0;
  for (const auto* block = head_; block != nullptr && count < max; block = block->next) {
    out[count++] = Bytes{block->data + block->begin, block->end - block->begin};
  }
  return count;
}

}  // namespace tidegate
