#include "net/stream_table.h"

#include "base/check.h"

namespace tidegate::net {

StreamId StreamTable::open() {
  std::uint32_t index = free_;
  if (index == kNone) {
    index = slot_count_++;
    if ((index & (kChunk - 1)) == 0) chunks_.push_back(std::make_unique<Stream[]>(kChunk));
  } else {
    free_ = slot(index).next_free;
  }
  auto& stream = slot(index);
  stream.in_use = true;
  ++size_;
  return {index, stream.generation};
}

void StreamTable::release(StreamId id) {
  auto* stream = find(id);
  TG_CHECK(stream != nullptr);
  const auto generation = stream->generation + 1;
  stream->output.clear();
  std::destroy_at(stream);
  std::construct_at(stream);
  stream->generation = generation != 0 ? generation : 1;
  stream->next_free = free_;
  free_ = id.slot;
  --size_;
}

}  // namespace tidegate::net
