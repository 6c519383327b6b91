// Streams above TLS. Records pass through the queues and buffers that clear bytes use; plaintext
// of a turn is encrypted together when the turn flushes it.
#include "net/streams.h"

namespace tidegate::net {
namespace {

// What TLS itself may answer (TLS 1.3 key updates) to a peer that does not read. Nobody above knows
// of these bytes, so no back-pressure holds them.
constexpr std::size_t kAnswersMax = 2 * Reactor::kHighWater;

}  // namespace

void Streams::start_tls_server(StreamId id, TlsContextRef context, Bytes early) {
  begin_tls(id, TlsSession::accept(std::move(context)), early);
}

void Streams::start_tls_client(StreamId id, TlsContextRef context, const std::string& name) {
  begin_tls(id, TlsSession::connect(std::move(context), name), {});
  auto* stream = find_open(id);
  if (stream == nullptr || stream->tls == nullptr || stream->broken) return;
  stream->tls->handshake(wire_of(*stream));  // the first flight; nothing to read yet
  if (!stream->blocked) mark_dirty(id, *stream);
}

void Streams::begin_tls(StreamId id, std::unique_ptr<TlsSession> session, Bytes early) {
  auto* stream = find_open(id);
  if (stream == nullptr || stream->tls || stream->broken) return;
  if (session == nullptr) {
    stream->paused = true;  // nobody is there who could read what comes
    return fail(id, *stream, CloseReason::tls_failed, "cannot begin TLS");
  }
  stream->tls = std::move(session);
  if (early.empty()) return;
  stream->tls->feed(early);
  stream->tls->hold_rest(loop_.blocks);
  mark_ready(id, *stream);
}

MutableBytes Streams::plaintext() {
  if (plaintext_ == nullptr) {
    plaintext_ = std::make_unique_for_overwrite<std::uint8_t[]>(Reactor::kReceiveBytes);
  }
  return {plaintext_.get(), Reactor::kReceiveBytes};
}

// Decrypts and delivers what the session was fed. A handler may pause, close or detach the stream
// in between; what it leaves unread is held, dropped or travels.
void Streams::deliver_secured(StreamId id) {
  auto* stream = table_.find(id);
  if (!stream->tls->established() && !secure(id, *stream)) return;
  while ((stream = table_.find(id)) != nullptr) {
    auto& tls = *stream->tls;
    if (stream->lingering) return tls.feed({});
    if (stream->paused) return tls.hold_rest(loop_.blocks);
    if (stream->input_finished || !tls.has_unread()) return;
    std::size_t got = 0;
    if (!stream->blocked) tls.answers_waiting = 0;
    const auto before = stream->output.size();
    const auto step = tls.read(wire_of(*stream), plaintext(), got);
    tls.answers_waiting += stream->output.size() - before;
    if (tls.answers_waiting > kAnswersMax && stream->blocked) return finish_unread(id, *stream);
    if (!stream->output.empty() && !stream->blocked) mark_dirty(id, *stream);
    if (got > 0) {
      stream->handler->bytes_arrived(id, plaintext().first(got));
    } else if (step == TlsSession::Step::failed) {
      return finish_tls_failed(id, *stream);
    } else if (step == TlsSession::Step::peer_closed) {
      tls.feed({});
      return end_input(id, *stream);
    }
  }
}

// A step of the handshake. True once it is done and the handler knows.
bool Streams::secure(StreamId id, Stream& stream) {
  const auto step = stream.tls->handshake(wire_of(stream));
  if (step == TlsSession::Step::failed) {
    finish_tls_failed(id, stream);
    return false;
  }
  if (stream.queued() > 0 && !stream.blocked) mark_dirty(id, stream);
  if (step != TlsSession::Step::done) return false;
  stream.handler->stream_secured(id, stream.tls->info());
  return true;
}

void Streams::finish_unread(StreamId id, Stream& stream) {
  finish(id, stream, CloseReason::tls_failed,
         "the peer asks for new keys and does not read the answers");
}

void Streams::finish_tls_failed(StreamId id, Stream& stream) {
  const auto detail = stream.tls->failure();
  Bytes nothing;
  if (!stream.blocked) send_now(id, stream, nothing);  // the alert that tells the peer why
  finish(id, stream, stream.tls->rejected() ? CloseReason::tls_rejected : CloseReason::tls_failed,
         detail);
}

void Streams::write_secured(StreamId id, Stream& stream, Bytes bytes) {
  const bool direct = bytes.size() >= Reactor::kDirectWriteBytes;
  if (!direct || !stream.tls->established() || stream.blocked) {
    stream.tls->pending.append(loop_.blocks, bytes);
    note_fill(stream);
    if (stream.tls->established() && !stream.blocked) mark_dirty(id, stream);
    return;
  }
  if (!secure_pending(id, stream)) return;
  if (!stream.tls->write(wire_of(stream), bytes)) {
    return fail(id, stream, CloseReason::tls_failed, stream.tls->failure());
  }
  Bytes nothing;
  if (!send_now(id, stream, nothing)) return;
  note_fill(stream);
  note_drain(id, stream);
}

// Encrypts what is pending. False when the stream broke.
bool Streams::secure_pending(StreamId id, Stream& stream) {
  if (!stream.tls || !stream.tls->established() || stream.tls->pending.empty()) return true;
  if (stream.tls->write_pending(wire_of(stream))) return true;
  fail(id, stream, CloseReason::tls_failed, stream.tls->failure());
  return false;
}

}  // namespace tidegate::net
