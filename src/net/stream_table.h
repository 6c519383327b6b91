// The slots of a reactor's streams. A slot never moves; its generation changes when it is used
// again, so that an id from before finds nothing. An idle stream in clear is one slot and no heap.
#pragma once

#include <memory>
#include <vector>

#include "base/byte_queue.h"
#include "net/reactor.h"
#include "net/tls_session.h"

namespace tidegate::net {

struct Stream {
  StreamHandler* handler = nullptr;  // null when closed and only lingering
  std::unique_ptr<TlsSession> tls;
  ByteQueue output;  // what the kernel has yet to take: clear bytes or TLS records
  TimerId linger_timer;
  int fd = -1;
  std::uint32_t generation = 1;  // never 0
  std::uint32_t next_free = 0;

  bool in_use : 1 = false;
  bool unix_socket : 1 = false;
  bool connecting : 1 = false;
  // Input. `readable` lasts until a read came back short; `read_to_end` says that the peer has
  // closed or failed, so a short read is not the last one.
  bool readable : 1 = false;
  bool read_to_end : 1 = false;
  bool failed : 1 = false;  // EPOLLERR came: a reset, though bytes from before may be unread
  bool input_finished : 1 = false;
  bool paused : 1 = false;
  // Output. `blocked` lasts from a write that the kernel refused until the next EPOLLOUT, which is
  // asked for (`watches_output`) when it is needed for the first time: most streams never need it.
  bool blocked : 1 = false;
  bool watches_output : 1 = false;
  bool dirty : 1 = false;
  bool above_high_water : 1 = false;
  bool output_ended : 1 = false;  // end_output was called
  // To be told in the next turn.
  bool ready : 1 = false;
  bool drained : 1 = false;
  bool broken : 1 = false;
  // close(flush) is under way; wait_for_end: until the peer has closed as well.
  bool lingering : 1 = false;
  bool wait_for_end : 1 = false;

  bool has_input() const { return !input_finished && (readable || (tls && tls->has_unread())); }
  // All that waits to leave, above and below TLS.
  std::size_t queued() const { return output.size() + (tls ? tls->pending.size() : 0); }
};

class StreamTable {
 public:
  StreamTable() = default;
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  StreamId open();
  Stream* find(StreamId id) {
    if (id.slot >= slot_count_) return nullptr;
    auto& stream = slot(id.slot);
    return stream.generation == id.generation && stream.in_use ? &stream : nullptr;
  }
  // Forgets what the slot held. The descriptor is the caller's to close.
  void release(StreamId id);

  std::size_t size() const { return size_; }
  template <typename Visitor>
  void for_each(Visitor&& visit) {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      if (slot(i).in_use) visit(StreamId{i, slot(i).generation}, slot(i));
    }
  }

 private:
  static constexpr std::uint32_t kChunkBits = 6;
  static constexpr std::uint32_t kChunk = 1u << kChunkBits;
  static constexpr std::uint32_t kNone = 0xffffffff;

  Stream& slot(std::uint32_t index) { return chunks_[index >> kChunkBits][index & (kChunk - 1)]; }

  std::vector<std::unique_ptr<Stream[]>> chunks_;
  std::uint32_t slot_count_ = 0;
  std::uint32_t free_ = kNone;  // last in, first out: a warm slot is used again
  std::size_t size_ = 0;
};

static_assert(sizeof(Stream) <= 128, "an idle client in clear is to stay small");

}  // namespace tidegate::net
