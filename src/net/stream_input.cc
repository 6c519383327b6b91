// Events and reading. A read that comes back short has emptied the socket - the next byte is a new
// edge - so a message costs one recv, unless the peer has closed: then we read on to the end.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/socket_options.h"
#include "net/streams.h"

namespace tidegate::net {
namespace {

constexpr std::uint32_t kEndEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

}  // namespace

void Streams::on_event(StreamId id, std::uint32_t events) {
  auto* stream = table_.find(id);
  if (stream == nullptr || stream->broken) return;
  if (stream->connecting) {
    finish_connect(id, *stream, events);
  } else if ((events & EPOLLOUT) != 0 && stream->blocked) {
    stream->blocked = false;
    watch_output(id, *stream, false);
    if (stream->lingering) {
      linger_on(id, *stream);
    } else {
      flush(id, *stream);
      tell_drained(id);
    }
  }
  stream = table_.find(id);
  if (stream != nullptr && !stream->connecting) note_input(id, *stream, events);
}

void Streams::finish_connect(StreamId id, Stream& stream, std::uint32_t events) {
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) == 0) return;
  if (const int error = pending_error(stream.fd); error != 0) return finish(id, stream, error);
  stream.connecting = stream.blocked = false;
  watch_output(id, stream, false);
  if (stream.queued() > 0) mark_dirty(id, stream);
  stream.handler->stream_connected(id);
}

void Streams::note_input(StreamId id, Stream& stream, std::uint32_t events) {
  if ((events & (EPOLLIN | kEndEvents)) == 0) return;
  if ((events & kEndEvents) != 0) stream.read_to_end = true;
  if ((events & EPOLLERR) != 0) stream.failed = true;
  // With nobody reading, a failure is all that there is to notice.
  if (stream.input_finished || stream.paused) {
    stream.readable = !stream.input_finished;
    return finish_if_failed(id);
  }
  stream.readable = true;
  if (!stream.ready) receive(id);  // else its turn comes with the ready list
}

void Streams::receive(StreamId id) {
  auto* stream = table_.find(id);
  if (stream->tls && !stream->lingering && stream->tls->has_unread()) {
    deliver_secured(id);
    stream = table_.find(id);
  }
  std::size_t total = 0;
  while (stream != nullptr && stream->readable && !stream->paused && !stream->input_finished) {
    if (total >= kReadMax) return mark_ready(id, *stream);
    const auto count = recv(stream->fd, received_.get(), Reactor::kReceiveBytes, 0);
    ++loop_.counters.receives;
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return finish(id, *stream, errno);
      stream->readable = false;
      return;
    }
    if (count == 0) return end_input(id, *stream);
    const auto got = static_cast<std::size_t>(count);
    total += got;
    if (got < Reactor::kReceiveBytes && !stream->read_to_end) stream->readable = false;
    deliver(id, *stream, {received_.get(), got});
    stream = table_.find(id);
  }
  // The last bytes before a reset may have been what made the handler pause.
  if (stream != nullptr && stream->paused) finish_if_failed(id);
}

// A failure that no read will come upon, because nobody reads.
void Streams::finish_if_failed(StreamId id) {
  auto* stream = table_.find(id);
  if (!stream->failed) return;
  const int error = pending_error(stream->fd);
  finish(id, *stream, error != 0 ? error : ECONNRESET);
}

void Streams::deliver(StreamId id, Stream& stream, Bytes bytes) {
  if (stream.lingering) return;
  if (stream.tls == nullptr) return stream.handler->bytes_arrived(id, bytes);
  stream.tls->feed(bytes);
  deliver_secured(id);
}

void Streams::end_input(StreamId id, Stream& stream) {
  stream.input_finished = true;
  stream.readable = false;
  if (stream.lingering) {
    stream.wait_for_end = false;
    if (stream.output.empty()) release(id, stream);
  } else if (stream.tls && !stream.tls->established()) {
    finish(id, stream, CloseReason::tls_failed, "the peer closed during the TLS handshake");
  } else {
    stream.handler->peer_finished(id);
  }
}

void Streams::serve_ready() {
  for (const auto id : serving_) serve(id);
  serving_.clear();
  serve_arrived();
  serve_failures();
}

// Read first and registered then, so that what came with the connection is no event of its own.
// Who adopts during this comes next turn.
void Streams::serve_arrived() {
  const auto arrived = std::exchange(arrived_, {});
  for (const auto id : arrived) {
    auto* stream = table_.find(id);
    if (stream != nullptr && !stream->broken && !stream->paused) receive(id);
    stream = table_.find(id);
    if (stream != nullptr && !stream->broken) watch(id, *stream);
  }
}

void Streams::serve(StreamId id) {
  auto* stream = table_.find(id);
  if (stream == nullptr) return;
  stream->ready = false;
  if (stream->broken) return;
  tell_drained(id);
  stream = table_.find(id);
  if (stream != nullptr && !stream->paused && stream->has_input()) receive(id);
}

void Streams::tell_drained(StreamId id) {
  auto* stream = find_open(id);
  if (stream == nullptr || !stream->drained) return;
  stream->drained = false;
  stream->handler->output_drained(id);
}

}  // namespace tidegate::net
