// The ends of a stream: our own close in its three modes, and failures, which handlers are told of
// exactly once and never from inside a call of their own.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/socket_options.h"
#include "net/streams.h"

namespace tidegate::net {
namespace {

bool unacknowledged(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}
bool unread(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCINQ, &bytes) == 0 && bytes > 0;
}

// Whether a socket that is closed now might reset before the peer's kernel has everything, our end
// included. What a unix socket was given lies with the peer already.
bool unheard(const Stream& stream) {
  return unread(stream.fd) || (!stream.unix_socket && unacknowledged(stream.fd));
}

}  // namespace

void Streams::close(StreamId id, CloseMode mode) {
  auto* stream = find_open(id);
  if (stream == nullptr) return;
  if (mode == CloseMode::flush && !stream->connecting && !stream->broken) {
    return linger(id, *stream);
  }
  if (mode == CloseMode::reset && stream->fd >= 0) {
    const struct linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  release(id, *stream);
}

void Streams::end_output(StreamId id) {
  auto* stream = find_open(id);
  if (stream == nullptr || stream->connecting || stream->broken || stream->output_ended) return;
  if (stream->tls && stream->tls->established()) {
    stream->tls->write_pending(wire_of(*stream));
    stream->tls->finish(wire_of(*stream));
  }
  stream->output_ended = true;
  mark_dirty(id, *stream);
}

// Last words need care: a socket that is closed while input lies unread, or is still to come, sends
// a reset, and what the peer has not acknowledged is lost. So we write, end our side, and read on
// until the peer's end.
void Streams::linger(StreamId id, Stream& stream) {
  const bool crowded = lingering_ >= kLingeringMax;
  stream.lingering = true;
  ++lingering_;
  stream.handler = nullptr;
  stream.paused = false;
  stream.wait_for_end =
      !stream.input_finished && (stream.queued() > 0 || unacknowledged(stream.fd));
  if (stream.tls && stream.tls->established()) {
    stream.tls->write_pending(wire_of(stream));
    stream.tls->finish(wire_of(stream));
  }
  if (crowded) {
    flush(id, stream);
    return release(id, stream);
  }
  if (!stream.blocked) return linger_on(id, stream);
  stream.linger_timer = loop_.wheel.arm(loop_.now + kLingerMax, this, id.packed());
}

void Streams::linger_on(StreamId id, Stream& stream) {
  flush(id, stream);
  if (stream.broken || (stream.output.empty() && !stream.wait_for_end)) {
    return release(id, stream);
  }
  const bool written = stream.output.empty();
  const auto deadline = loop_.now + (written ? kLingerForEndMax : kLingerMax);
  if (!stream.linger_timer) {
    stream.linger_timer = loop_.wheel.arm(deadline, this, id.packed());
  } else if (written) {
    loop_.wheel.rearm(stream.linger_timer, deadline);
  }
  if (!written) return;
  shutdown(stream.fd, SHUT_WR);
  stream.readable = true;
  mark_ready(id, stream);
}

LastWords Streams::last_words() {
  LastWords words;
  if (lingering_ == 0) return words;
  table_.for_each([&words](StreamId, const Stream& stream) {
    if (!stream.lingering || stream.broken) return;
    const bool unsent = stream.queued() > 0;
    words.unsent += unsent;
    words.unheard += !unsent && unheard(stream);
  });
  return words;
}

void Streams::timer_fired(TimerId, std::uint64_t cookie) {
  const auto id = StreamId::unpacked(cookie);
  if (auto* stream = table_.find(id); stream != nullptr && stream->lingering) release(id, *stream);
}

void Streams::fail(StreamId id, Stream& stream, CloseReason reason, std::string detail) {
  if (stream.broken) return;
  stream.broken = true;
  stream.output.clear();
  if (stream.tls) stream.tls->pending.clear();
  if (!stream.lingering) failures_.push_back({id, reason, std::move(detail)});
}

void Streams::fail(StreamId id, Stream& stream, int error) {
  fail(id, stream, close_reason_of(error, stream.connecting), describe_error(error));
}

void Streams::finish(StreamId id, Stream& stream, CloseReason reason, const std::string& detail) {
  auto* handler = stream.handler;
  release(id, stream);
  if (handler != nullptr) handler->stream_closed(id, reason, detail);
}

void Streams::finish(StreamId id, Stream& stream, int error) {
  finish(id, stream, close_reason_of(error, stream.connecting), describe_error(error));
}

// What the peer had sent before it went is delivered first: a server that was told to stop says so
// before it closes, and that is a better error than "broken pipe".
void Streams::serve_failures() {
  auto failures = std::exchange(failures_, {});
  for (const auto& failure : failures) {
    auto* stream = find_open(failure.id);
    if (stream == nullptr) continue;
    if (stream->fd >= 0 && !stream->connecting && !stream->paused) {
      stream->readable = stream->read_to_end = true;
      receive(failure.id);
      stream = find_open(failure.id);
    }
    if (stream != nullptr) finish(failure.id, *stream, failure.reason, failure.detail);
  }
}

}  // namespace tidegate::net
