// Writing. What a turn writes to one stream leaves with one system call at its end; large chunks
// leave at once, straight from where they lie, together with what was queued before them.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "net/streams.h"

namespace tidegate::net {
namespace {

constexpr std::size_t kGatherMax = 64;

struct Gathered {
  std::array<Bytes, kGatherMax> spans;
  std::size_t count = 0;
  std::size_t bytes = 0;
};

Gathered gather(const ByteQueue& queue, Bytes last) {
  Gathered out;
  out.count = queue.gather(out.spans.data(), kGatherMax - 1);
  for (std::size_t i = 0; i < out.count; ++i) out.bytes += out.spans[i].size();
  if (out.bytes == queue.size() && !last.empty()) {
    out.spans[out.count++] = last;
    out.bytes += last.size();
  }
  return out;
}

ssize_t send_gathered(int fd, const Gathered& what) {
  if (what.count == 1) {
    return send(fd, what.spans[0].data(), what.spans[0].size(), MSG_NOSIGNAL);
  }
  std::array<iovec, kGatherMax> parts;
  for (std::size_t i = 0; i < what.count; ++i) {
    parts[i] = {const_cast<std::uint8_t*>(what.spans[i].data()), what.spans[i].size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = what.count;
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

void Streams::write(StreamId id, Bytes bytes) {
  auto* stream = find_open(id);
  if (stream == nullptr || stream->broken || bytes.empty()) return;
  if (stream->tls) return write_secured(id, *stream, bytes);
  write_clear(id, *stream, bytes);
}

void Streams::write_clear(StreamId id, Stream& stream, Bytes bytes) {
  if (bytes.size() >= Reactor::kDirectWriteBytes && !stream.blocked) {
    const bool alive = send_now(id, stream, bytes);
    note_drain(id, stream);
    if (!alive || bytes.empty()) return;
  }
  stream.output.append(loop_.blocks, bytes);
  note_fill(stream);
  if (!stream.blocked) mark_dirty(id, stream);
}

// Sends the queue and then `last`, until all is gone or the kernel takes no more; `last` shrinks
// to what it did not take. False when the stream broke.
bool Streams::send_now(StreamId id, Stream& stream, Bytes& last) {
  while (!stream.output.empty() || !last.empty()) {
    const auto what = gather(stream.output, last);
    const auto count = send_gathered(stream.fd, what);
    ++loop_.counters.sends;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) {
      fail(id, stream, errno);
      return false;
    }
    const auto sent = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    const auto from_queue = std::min(sent, stream.output.size());
    stream.output.consume(from_queue);
    last = last.subspan(sent - from_queue);
    if (sent < what.bytes) {
      stream.blocked = true;
      watch_output(id, stream, true);
      return true;
    }
  }
  return true;
}

void Streams::flush(StreamId id, Stream& stream) {
  if (stream.blocked || stream.broken) return;
  if (!secure_pending(id, stream)) return;
  Bytes nothing;
  send_now(id, stream, nothing);
  note_drain(id, stream);
}

void Streams::flush_dirty() {
  for (const auto id : dirty_) {
    auto* stream = find_open(id);
    if (stream == nullptr) continue;
    stream->dirty = false;
    flush(id, *stream);
  }
  dirty_.clear();
}

void Streams::note_fill(Stream& stream) {
  if (stream.queued() > Reactor::kHighWater) stream.above_high_water = true;
}

void Streams::note_drain(StreamId id, Stream& stream) {
  if (!stream.above_high_water || stream.broken || stream.lingering) return;
  if (stream.queued() > Reactor::kLowWater) return;
  stream.above_high_water = false;
  stream.drained = true;
  mark_ready(id, stream);
}

}  // namespace tidegate::net
