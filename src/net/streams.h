// The streams of one reactor: reading, writing, closing, and the order in which handlers hear of
// it. The rules that everything here keeps:
//
// - A handler is called from two places only: on_event() and serve_ready(). Whatever is found out
//   elsewhere (a write that failed, a drained queue) waits on the ready list for the next turn.
// - After a call into a handler nothing is known any more: the stream may be gone or moved, so it
//   is looked up again by its id.
// - Sockets are edge-triggered: readiness that is not used up at once is remembered in the slot.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/poller.h"
#include "net/stream_table.h"
#include "net/timer_wheel.h"

namespace tidegate::net {

// What the parts of one reactor share.
struct LoopParts {
  Poller& poller;
  BlockPool& blocks;
  TimerWheel& wheel;
  EpollReactor::Counters& counters;
  const Instant& now;
};

class Streams final : private TimerHandler {
 public:
  // How long close(flush) may take for a peer that does not read, and how long to wait then for
  // its own end (a socket closed with unread input would reset, and destroy our last words).
  static constexpr Duration kLingerMax = 10s;
  static constexpr Duration kLingerForEndMax = 2s;
  // A crowd that is turned away must not use up the descriptors: beyond so many streams that
  // linger, one more is written to and closed at once.
  static constexpr std::size_t kLingeringMax = 1000;
  // Per socket and turn.
  static constexpr std::size_t kReadMax = 256 * 1024;

  explicit Streams(const LoopParts& loop);
  ~Streams() override;

  // As in Reactor.
  StreamId connect(const Address& address, const ConnectOptions& options, StreamHandler* handler);
  StreamId adopt(ParcelPtr parcel, StreamHandler* handler);
  ParcelPtr detach(StreamId id);
  void set_handler(StreamId id, StreamHandler* handler);
  bool write(StreamId id, Bytes bytes);
  std::size_t queued(StreamId id);
  void pause_reading(StreamId id);
  void resume_reading(StreamId id);
  void end_output(StreamId id);
  void close(StreamId id, CloseMode mode);
  LastWords last_words();
  void start_tls_server(StreamId id, TlsContextRef context, Bytes early);
  void start_tls_client(StreamId id, TlsContextRef context, const std::string& name);
  bool is_secured(StreamId id);
  int descriptor(StreamId id);

  // The turn: events first, then what has been ready since the turn before, output last.
  void on_event(StreamId id, std::uint32_t events);
  void begin_turn() { serving_.swap(ready_); }
  void serve_ready();
  bool has_work() const {
    return !ready_.empty() || !arrived_.empty() || !failures_.empty() || !dirty_.empty();
  }
  void flush_dirty();

  std::size_t size() const { return table_.size(); }

 private:
  struct Failure {
    StreamId id;
    CloseReason reason;
    std::string detail;
  };

  // Streams that their handler has not closed.
  Stream* find_open(StreamId id);
  bool watch(StreamId id, Stream& stream);
  void watch_output(StreamId id, Stream& stream, bool on);
  void mark_ready(StreamId id, Stream& stream);
  void mark_dirty(StreamId id, Stream& stream);
  void release(StreamId id, Stream& stream);

  // Ends. `fail` is for anywhere, `finish` for where a handler may be called.
  void fail(StreamId id, Stream& stream, CloseReason reason, std::string detail);
  void fail(StreamId id, Stream& stream, int error);
  void finish(StreamId id, Stream& stream, CloseReason reason, const std::string& detail);
  void finish(StreamId id, Stream& stream, int error);
  void serve_failures();
  void linger(StreamId id, Stream& stream);
  void linger_on(StreamId id, Stream& stream);
  void timer_fired(TimerId timer, std::uint64_t cookie) override;

  // Input (stream_input.cc).
  void finish_connect(StreamId id, Stream& stream, std::uint32_t events);
  void note_input(StreamId id, Stream& stream, std::uint32_t events);
  void receive(StreamId id);
  void finish_if_failed(StreamId id);
  void end_input(StreamId id, Stream& stream);
  void serve(StreamId id);
  void serve_arrived();
  void tell_drained(StreamId id);

  // Output (stream_output.cc).
  void write_clear(StreamId id, Stream& stream, Bytes bytes);
  void flush(StreamId id, Stream& stream);
  bool send_now(StreamId id, Stream& stream, Bytes& last);
  void shut_when_written(Stream& stream);
  void note_fill(Stream& stream);
  void note_drain(StreamId id, Stream& stream);

  // TLS (stream_tls.cc).
  void begin_tls(StreamId id, std::unique_ptr<TlsSession> session, Bytes early);
  void write_secured(StreamId id, Stream& stream, Bytes bytes);
  void deliver(StreamId id, Stream& stream, Bytes bytes);
  void deliver_secured(StreamId id);
  bool secure(StreamId id, Stream& stream);
  bool secure_pending(StreamId id, Stream& stream);
  void finish_unread(StreamId id, Stream& stream);
  void finish_tls_failed(StreamId id, Stream& stream);
  TlsSession::Wire wire_of(Stream& stream) { return {stream.output, loop_.blocks}; }
  MutableBytes plaintext();

  LoopParts loop_;
  StreamTable table_;
  std::vector<StreamId> ready_;
  std::vector<StreamId> serving_;
  std::vector<StreamId> arrived_;  // adopted, to be read once before epoll knows of them
  std::vector<StreamId> dirty_;
  std::vector<Failure> failures_;
  std::size_t lingering_ = 0;
  std::unique_ptr<std::uint8_t[]> received_;
  std::unique_ptr<std::uint8_t[]> plaintext_;  // made when the first stream is secured
};

}  // namespace tidegate::net
