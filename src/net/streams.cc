#include "net/streams.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "net/parcel.h"
#include "net/socket_options.h"

namespace tidegate::net {
namespace {

constexpr std::uint32_t kInputEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

Streams::Streams(const LoopParts& loop)
    : loop_(loop),
      received_(std::make_unique_for_overwrite<std::uint8_t[]>(Reactor::kReceiveBytes)) {}

Streams::~Streams() {
  table_.for_each([this](StreamId id, Stream& stream) { release(id, stream); });
}

StreamId Streams::connect(const Address& address, const ConnectOptions& options,
                          StreamHandler* handler) {
  const auto id = table_.open();
  auto& stream = *table_.find(id);
  stream.handler = handler;
  stream.unix_socket = address.is_unix();
  stream.connecting = stream.blocked = true;
  stream.fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (stream.fd < 0) {
    fail(id, stream, errno);
    return id;
  }
  if (!stream.unix_socket) apply_tcp_options(stream.fd, options);
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(stream.fd, name, address.length) != 0 && errno != EINPROGRESS) {
    fail(id, stream, errno);
    return id;
  }
  // Registered only now: an unconnected socket would report a hang-up.
  watch(id, stream);
  return id;
}

StreamId Streams::adopt(ParcelPtr parcel, StreamHandler* handler) {
  auto* socket = dynamic_cast<SocketParcel*>(parcel.get());
  TG_CHECK(socket != nullptr && socket->socket);
  const auto id = table_.open();
  auto& stream = *table_.find(id);
  stream.handler = handler;
  stream.fd = socket->socket.release();
  stream.unix_socket = socket->unix_socket;
  stream.input_finished = socket->input_finished;
  stream.tls = std::move(socket->tls);
  if (socket->expects_input) {
    stream.readable = true;
    arrived_.push_back(id);
    return id;
  }
  // Adding a socket that is readable already is an edge; only what TLS holds needs a reminder.
  if (!watch(id, stream) || stream.tls == nullptr) return id;
  stream.tls->feed(socket->unread_records);
  stream.tls->hold_rest(loop_.blocks);
  if (stream.has_input()) mark_ready(id, stream);
  return id;
}

ParcelPtr Streams::detach(StreamId id) {
  auto* stream = find_open(id);
  if (stream == nullptr || stream->connecting) return nullptr;
  if (stream->tls && !stream->tls->established()) return nullptr;
  if (stream->queued() > 0 || stream->broken) return nullptr;
  auto parcel = std::make_unique<SocketParcel>();
  parcel->unix_socket = stream->unix_socket;
  parcel->input_finished = stream->input_finished;
  if (stream->tls) parcel->unread_records = stream->tls->take_held();
  parcel->tls = std::move(stream->tls);
  loop_.poller.remove(stream->fd);
  parcel->socket.reset(std::exchange(stream->fd, -1));
  table_.release(id);
  return parcel;
}

void Streams::set_handler(StreamId id, StreamHandler* handler) {
  if (auto* stream = find_open(id)) stream->handler = handler;
}

std::size_t Streams::queued(StreamId id) {
  const auto* stream = find_open(id);
  return stream == nullptr ? 0 : stream->queued();
}

void Streams::pause_reading(StreamId id) {
  if (auto* stream = find_open(id)) stream->paused = true;
}

void Streams::resume_reading(StreamId id) {
  auto* stream = find_open(id);
  if (stream == nullptr || !stream->paused) return;
  stream->paused = false;
  if (stream->has_input()) mark_ready(id, *stream);
}

bool Streams::is_secured(StreamId id) {
  const auto* stream = find_open(id);
  return stream != nullptr && stream->tls && stream->tls->established();
}

int Streams::descriptor(StreamId id) {
  const auto* stream = table_.find(id);
  return stream == nullptr ? -1 : stream->fd;
}

Stream* Streams::find_open(StreamId id) {
  auto* stream = table_.find(id);
  return stream != nullptr && !stream->lingering ? stream : nullptr;
}

// A socket that can be written to says so as soon as it is added, which would be a turn for nothing
// for every new client: it is asked only once a write did not fit.
bool Streams::watch(StreamId id, Stream& stream) {
  stream.watches_output = stream.blocked;
  const auto events = kInputEvents | (stream.blocked ? EPOLLOUT : 0u);
  if (loop_.poller.add(stream.fd, events, Source::of(id))) return true;
  fail(id, stream, errno);
  return false;
}

// Once asked, TCP reports "writable" only after a write that did not fit, so it stays asked. A unix
// socket reports it each time its peer reads, which would wake us for every message that we send.
void Streams::watch_output(StreamId id, Stream& stream, bool on) {
  if (stream.watches_output == on || (!on && !stream.unix_socket)) return;
  stream.watches_output = on;
  loop_.poller.modify(stream.fd, kInputEvents | (on ? EPOLLOUT : 0u), Source::of(id));
}

void Streams::mark_ready(StreamId id, Stream& stream) {
  if (stream.ready) return;
  stream.ready = true;
  ready_.push_back(id);
}

void Streams::mark_dirty(StreamId id, Stream& stream) {
  if (stream.dirty) return;
  stream.dirty = true;
  dirty_.push_back(id);
}

void Streams::release(StreamId id, Stream& stream) {
  loop_.wheel.disarm(stream.linger_timer);
  if (stream.lingering) --lingering_;
  if (stream.fd >= 0) ::close(stream.fd);  // also takes it out of epoll
  table_.release(id);
}

}  // namespace tidegate::net
