// The streams of a SimReactor: how they begin, what happens to them in a turn, how they end.
#include <netinet/in.h>

#include <algorithm>

#include "base/check.h"
#include "net/sim_reactor.h"

namespace tidegate::net {

namespace {

constexpr int kFirstEphemeralPort = 32768;
constexpr int kEphemeralPorts = 28000;

Address with_port(Address address, int port) {
  const auto* ip = reinterpret_cast<const sockaddr_in*>(&address.storage);
  return sim_address(ntohl(ip->sin_addr.s_addr) & 0xffffff, port);
}

// What a certificate's hash would be: the same for every connection to the same address.
ByteBuffer binding_of(const Address& address) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(&address.storage);
  ByteBuffer binding(raw, raw + address.length);
  binding.resize(32, 0x5a);
  return binding;
}

}  // namespace

// --- Beginnings ---

StreamId SimReactor::connect(const Address& address, const ConnectOptions& options,
                             StreamHandler* handler) {
  const auto id = streams_.emplace();
  auto& stream = *streams_.find(id);
  stream.state = SimStream::State::connecting;
  stream.handler = handler;
  stream.local = with_port(local_, kFirstEphemeralPort + ports_used_++ % kEphemeralPorts);
  stream.peer = address;
  if (network_.strikes(SimFault::out_of_descriptors)) {
    fail_later(id, stream, CloseReason::out_of_descriptors, "too many open files");
    return id;
  }
  stream.attempt = network_.connect(
      stream.local, address,
      [this, alive = std::weak_ptr(alive_), id](SimSocket socket, CloseReason outcome) {
        if (!alive.expired()) finish_connect(id, std::move(socket), outcome);
      });
  if (options.user_timeout > Duration{0}) {
    network_.after(options.user_timeout,
                   guarded([this, id] { finish_connect(id, {}, CloseReason::connect_timeout); }));
  }
  return id;
}

void SimReactor::finish_connect(StreamId id, SimSocket socket, CloseReason outcome) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || stream->attempt == nullptr) return;
  stream->attempt->abandoned = true;
  stream->attempt = nullptr;
  if (outcome == CloseReason::connect_refused) {
    return fail_later(id, *stream, outcome, "connection refused");
  }
  if (outcome == CloseReason::connect_timeout) {
    return fail_later(id, *stream, outcome, "connection timed out");
  }
  stream->socket = std::move(socket);
  stream->connected_untold = true;
  mark_ready(id);
}

StreamId SimReactor::adopt(ParcelPtr parcel, StreamHandler* handler) {
  auto* arrived = dynamic_cast<SimParcel*>(parcel.get());
  TG_CHECK(arrived != nullptr);
  const auto id = streams_.emplace();
  auto& stream = *streams_.find(id);
  stream.handler = handler;
  stream.state = arrived->secured ? SimStream::State::secured : SimStream::State::clear;
  stream.handshake = std::move(arrived->unread);
  stream.peer_finished_told = arrived->peer_finished_told;
  stream.local = arrived->local;
  stream.peer = arrived->peer;
  stream.socket = std::move(arrived->socket);
  watch(id, stream);
  mark_ready(id);
  return id;
}

ParcelPtr SimReactor::detach(StreamId id) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || stream->failure || stream->handshaking() || stream->queued() > 0 ||
      stream->state == SimStream::State::connecting || stream->socket.was_reset()) {
    return nullptr;
  }
  auto parcel = std::make_unique<SimParcel>();
  parcel->secured = stream->state == SimStream::State::secured;
  parcel->peer_finished_told = stream->peer_finished_told;
  parcel->unread = std::move(stream->handshake);
  parcel->local = stream->local;
  parcel->peer = stream->peer;
  stream->socket.watch(nullptr);
  parcel->socket = std::move(stream->socket);
  streams_.erase(id);
  return parcel;
}

void SimReactor::watch(StreamId id, SimStream& stream) {
  stream.watcher.tell = [this, id] { mark_ready(id); };
  stream.socket.watch(&stream.watcher);
}

void SimReactor::set_handler(StreamId id, StreamHandler* handler) {
  if (auto* stream = streams_.find(id)) stream->handler = handler;
}

// --- Writing ---

bool SimReactor::write(StreamId id, Bytes bytes) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || stream->failure || stream->output_ended || bytes.empty()) return true;
  const bool first = stream->output.empty();
  (stream->handshaking() ? stream->held : stream->output).append(blocks_, bytes);
  if (first && bytes.size() >= kDirectWriteBytes) flush(id, *stream);
  if (stream->queued() > kHighWater) stream->above_high_water = true;
  if (!stream->output.empty()) mark_dirty(id, *stream);
  return !stream->above_high_water;
}

std::size_t SimReactor::queued(StreamId id) const {
  const auto* stream = streams_.find(id);
  return stream == nullptr ? 0 : stream->queued();
}

void SimReactor::flush(StreamId id, SimStream& stream) {
  if (!stream.socket) return;
  while (!stream.output.empty()) {
    const auto front = stream.output.front();
    const auto sent = stream.socket.send(front);
    stream.output.consume(sent);
    if (sent < front.size()) break;
  }
  if (stream.output_ended && stream.output.empty()) stream.socket.finish();
  if (stream.socket.was_reset()) mark_ready(id);
  if (stream.above_high_water && stream.queued() <= kLowWater) {
    stream.above_high_water = false;
    stream.drained = true;
    mark_ready(id);
  }
}

void SimReactor::mark_dirty(StreamId id, SimStream& stream) {
  if (std::exchange(stream.in_dirty, true)) return;
  dirty_.push_back(id);
  if (!in_turn_) wake();
}

// --- A stream's share of a turn ---

void SimReactor::mark_ready(StreamId id) {
  auto* stream = streams_.find(id);
  if (stream == nullptr) return;
  if (!std::exchange(stream->in_ready, true)) ready_.push_back(id);
  wake();
}

void SimReactor::step(StreamId id) {
  auto* stream = streams_.find(id);
  if (stream == nullptr) return;
  stream->in_ready = false;
  if (stream->failure) return end(id, *stream->failure, stream->failure_detail);
  if (std::exchange(stream->connected_untold, false)) return tell_connected(id, *stream);
  if (stream->state == SimStream::State::connecting) return;
  flush(id, *stream);
  if (std::exchange(stream->drained, false)) {
    stream->handler->output_drained(id);
    stream = streams_.find(id);
    if (stream == nullptr) return;
  }
  if (stream->socket.was_reset() && (stream->paused || stream->readable() == 0)) {
    return end(id, CloseReason::reset, "connection reset by peer");
  }
  if (stream->handshaking()) return step_handshake(id, *stream);
  step_reading(id, *stream);
}

void SimReactor::tell_connected(StreamId id, SimStream& stream) {
  stream.state = SimStream::State::clear;
  watch(id, stream);
  mark_dirty(id, stream);
  mark_ready(id);
  stream.handler->stream_connected(id);
}

void SimReactor::step_reading(StreamId id, SimStream& stream) {
  if (stream.paused) return;
  if (stream.readable() > 0) return deliver(id, stream);
  if (stream.socket.at_end() && !std::exchange(stream.peer_finished_told, true)) {
    network_.note(1);
    stream.handler->peer_finished(id);
  }
}

void SimReactor::deliver(StreamId id, SimStream& stream) {
  auto count = std::min(stream.readable(), kReceiveBytes);
  if (count > 1 && network_.strikes(SimFault::short_read)) count = 1 + random_.below(count - 1);
  if (!stream.handshake.empty()) {
    count = std::min(count, stream.handshake.size());
    const auto end = stream.handshake.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(stream.handshake.begin(), end, receive_buffer_.begin());
    stream.handshake.erase(stream.handshake.begin(), end);
  } else {
    count = stream.socket.receive(MutableBytes(receive_buffer_).first(count));
  }
  network_.note(count);
  // More of it, an end or a reset comes in a later turn: one read per socket and turn is fair.
  if (stream.readable() > 0 || stream.socket.at_end() || stream.socket.was_reset()) mark_ready(id);
  stream.handler->bytes_arrived(id, Bytes(receive_buffer_).first(count));
}

void SimReactor::pause_reading(StreamId id) {
  if (auto* stream = streams_.find(id)) stream->paused = true;
}

void SimReactor::resume_reading(StreamId id) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || !std::exchange(stream->paused, false)) return;
  mark_ready(id);
}

// --- TLS ---

void SimReactor::start_tls_server(StreamId id, TlsContextRef, Bytes early) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || stream->state != SimStream::State::clear) return;
  stream->state = SimStream::State::securing_server;
  stream->handshake.assign(early.begin(), early.end());
  mark_ready(id);
}

void SimReactor::start_tls_client(StreamId id, TlsContextRef, const std::string& name) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || stream->state != SimStream::State::clear) return;
  stream->state = SimStream::State::securing_client;
  stream->hello = {.kind = SimHello::Kind::client, .sni = name, .alpn = "postgresql"};
  stream->output.append(blocks_, write_sim_hello(stream->hello));
  mark_dirty(id, *stream);
  mark_ready(id);
}

bool SimReactor::is_secured(StreamId id) const {
  const auto* stream = streams_.find(id);
  return stream != nullptr && stream->state == SimStream::State::secured;
}

void SimReactor::step_handshake(StreamId id, SimStream& stream) {
  auto& buffer = stream.handshake;
  const auto had = buffer.size();
  buffer.resize(had + stream.socket.readable());
  stream.socket.receive(MutableBytes(buffer).subspan(had));

  SimHello hello;
  std::size_t taken = 0;
  const auto outcome = read_sim_hello(buffer, hello, taken);
  if (outcome == SimHelloRead::need_more) {
    if (stream.socket.was_reset()) return end(id, CloseReason::reset, "connection reset by peer");
    if (stream.socket.at_end()) end(id, CloseReason::tls_failed, "unexpected end of stream");
    return;
  }
  const bool server = stream.state == SimStream::State::securing_server;
  const auto expected = server ? SimHello::Kind::client : SimHello::Kind::server;
  if (outcome == SimHelloRead::malformed || hello.kind != expected) {
    return end(id, CloseReason::tls_failed, "simulated: not the hello that was expected");
  }
  if (network_.strikes(SimFault::tls_failure)) {
    stream.socket.send(write_sim_hello({.kind = SimHello::Kind::alert}));
    return end(id, CloseReason::tls_failed, "simulated: handshake failure");
  }
  if (server) {
    stream.hello = hello;
    hello = {.kind = SimHello::Kind::server,
             .alpn = stream.hello.alpn,
             .channel_binding = binding_of(stream.local)};
    stream.output.append(blocks_, write_sim_hello(hello));
  }
  secured(id, stream, hello, taken);
}

void SimReactor::secured(StreamId id, SimStream& stream, const SimHello& server,
                         std::size_t taken) {
  auto& buffer = stream.handshake;
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(taken));
  stream.state = SimStream::State::secured;
  while (!stream.held.empty()) {
    const auto front = stream.held.front();
    stream.output.append(blocks_, front);
    stream.held.consume(front.size());
  }
  mark_dirty(id, stream);
  mark_ready(id);
  stream.handler->stream_secured(id, tls_info(stream.hello, server));
}

// --- Ends ---

void SimReactor::fail_later(StreamId id, SimStream& stream, CloseReason reason,
                            const std::string& detail) {
  stream.failure = reason;
  stream.failure_detail = detail;
  mark_ready(id);
}

// `detail` by value: the stream that it came from is gone before the handler reads it.
void SimReactor::end(StreamId id, CloseReason reason, std::string detail) {
  auto* handler = streams_.find(id)->handler;
  network_.note(2);
  streams_.erase(id);
  handler->stream_closed(id, reason, detail);
}

void SimReactor::end_output(StreamId id) {
  auto* stream = streams_.find(id);
  if (stream == nullptr || !stream->socket) return;
  stream->output_ended = true;
  mark_dirty(id, *stream);
}

void SimReactor::close(StreamId id, CloseMode mode) {
  auto* stream = streams_.find(id);
  if (stream == nullptr) return;
  if (stream->attempt != nullptr) stream->attempt->abandoned = true;
  if (stream->socket) {
    if (mode == CloseMode::flush) linger(std::move(stream->socket), std::move(stream->output));
    if (mode == CloseMode::reset) stream->socket.reset();
  }
  streams_.erase(id);
}

void SimReactor::linger(SimSocket socket, ByteQueue output) {
  auto rest = std::make_shared<SimLingering>(std::move(socket), std::move(output));
  if (rest->finished()) return;
  lingering_.push_back(rest);
  network_.after(SimLingering::kLingerMax, [&network = network_, weak = std::weak_ptr(rest)] {
    if (auto living = weak.lock(); living && living->give_up()) network.note_words_lost();
  });
}

Address SimReactor::local_address(StreamId id) const {
  const auto* stream = streams_.find(id);
  return stream == nullptr ? Address{} : stream->local;
}

Address SimReactor::peer_address(StreamId id) const {
  const auto* stream = streams_.find(id);
  return stream == nullptr ? Address{} : stream->peer;
}

}  // namespace tidegate::net
