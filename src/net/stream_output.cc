// Writing. What a turn writes to one stream leaves with one system call at its end; large chunks
// leave at once, straight from where they lie, together with what was queued before them.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "net/streams.h"

namespace tidegate::net {
namespace {

constexpr std::size_t kGatherMax = 64;

ssize_t send_gathered(int fd, const ByteQueue& queue, Bytes last, std::size_t& offered) {
  std::array<Bytes, kGatherMax> spans;
  auto count = queue.gather(spans.data(), kGatherMax - 1);
  offered = 0;
  for (std::size_t i = 0; i < count; ++i) offered += spans[i].size();
  if (offered == queue.size() && !last.empty()) {
    spans[count++] = last;
    offered += last.size();
  }
  std::array<iovec, kGatherMax> parts;
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = {const_cast<std::uint8_t*>(spans[i].data()), spans[i].size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Offers the queue and then `last` to the kernel, or as much of it as one call can carry. Most of
// what a pooler sends lies in one piece.
ssize_t send_some(int fd, const ByteQueue& queue, Bytes last, std::size_t& offered) {
  const auto first = queue.empty() ? last : queue.front();
  offered = first.size();
  if (offered < queue.size() + last.size()) return send_gathered(fd, queue, last, offered);
  return send(fd, first.data(), first.size(), MSG_NOSIGNAL);
}

}  // namespace

bool Streams::write(StreamId id, Bytes bytes) {
  auto* stream = find_open(id);
  if (stream == nullptr || stream->broken || stream->output_ended || bytes.empty()) return true;
  stream->tls ? write_secured(id, *stream, bytes) : write_clear(id, *stream, bytes);
  return !stream->above_high_water;
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
    std::size_t offered = 0;
    const auto count = send_some(stream.fd, stream.output, last, offered);
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
    if (sent < offered) {
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
  shut_when_written(stream);
}

void Streams::shut_when_written(Stream& stream) {
  if (!stream.output_ended || stream.broken || stream.lingering || stream.queued() > 0) return;
  shutdown(stream.fd, SHUT_WR);
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
