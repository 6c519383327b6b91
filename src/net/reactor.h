// The reactor: one per worker, and the only way to reach the world. It speaks completions - "these
// bytes arrived", "your output drained", "the peer closed", "the timer fired" - so that epoll, the
// simulator and one day io_uring are full backends of the same seam.
//
// One turn = take events, run posted tasks, expire timers (each calls its handler), then
// TurnHandler::settle() (the pools run there, once), then write every dirty output once.
// now() is constant within a turn. Nothing here blocks but the wait at the start of a turn.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_queue.h"
#include "base/bytes.h"
#include "base/entropy.h"
#include "base/slot_map.h"
#include "base/time.h"
#include "net/address.h"
#include "net/tls.h"

namespace tidegate::net {

struct StreamTag;
using StreamId = Handle<StreamTag>;
struct TimerTag;
using TimerId = Handle<TimerTag>;
struct ListenerTag;
using ListenerId = Handle<ListenerTag>;

enum class CloseReason : std::uint8_t {
  local,            // close() was called
  peer_finished,    // orderly end, and nothing was left to write
  reset,            // ECONNRESET, EPIPE, ...
  connect_refused,  // also: no route, no such unix socket
  connect_timeout,  // tcp_user_timeout or the kernel's own
  tls_failed,
  tls_rejected,  // one side will not have what the other shows: trying again will not help soon
  out_of_descriptors,
};

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // connect() succeeded. Never called for accepted streams.
  virtual void stream_connected(StreamId) {}
  // start_tls() succeeded; from here bytes are plaintext above TLS.
  virtual void stream_secured(StreamId, const TlsInfo&) {}
  // Never empty. The span is the worker's receive buffer, valid until return: consume it or copy.
  // Not called while reading is paused.
  virtual void bytes_arrived(StreamId, Bytes bytes) = 0;
  // The queued output, having been above kHighWater, fell to kLowWater or below.
  virtual void output_drained(StreamId) {}
  // The peer closed its sending side: no more bytes will arrive. Ours still works until close().
  virtual void peer_finished(StreamId) = 0;
  // The stream is gone. Called exactly once, last, for every end that was not our own close();
  // never from inside a call that the handler itself made into the reactor.
  // `detail` is for the log ("connection reset by peer", OpenSSL's words).
  virtual void stream_closed(StreamId, CloseReason, const std::string& detail) = 0;
};

class TimerHandler {
 public:
  virtual ~TimerHandler() = default;
  virtual void timer_fired(TimerId, std::uint64_t cookie) = 0;
};

class TurnHandler {
 public:
  virtual ~TurnHandler() = default;
  // After all events of the turn, before output is written. True = settle needs another turn at
  // once (the next wait will not sleep).
  virtual bool settle() = 0;
};

// An accepted or detached connection on its way to another reactor. Move-only; closes what it
// holds when dropped. Backends derive their own.
class Parcel {
 public:
  virtual ~Parcel() = default;
};
using ParcelPtr = std::unique_ptr<Parcel>;

class AcceptHandler {
 public:
  virtual ~AcceptHandler() = default;
  // The handler adopts the parcel here, posts it to another worker, or drops it.
  virtual void accepted(ListenerId, ParcelPtr, const Address& peer, const Address& local) = 0;
  // The process is out of descriptors: a connection was closed unheard.
  virtual void accept_shed(ListenerId) {}
};

struct ConnectOptions {
  bool keepalive = true;
  int keepalive_idle_s = 0;  // 0 = the kernel's
  int keepalive_interval_s = 0;
  int keepalive_count = 0;
  Duration user_timeout{0};  // TCP_USER_TIMEOUT; 0 = the kernel's
};

struct ListenOptions {
  int backlog = 4096;
  bool defer_accept = false;  // TCP: not accepted before the first bytes came, or a second passed
  bool reuse_port = false;    // for two processes on one port, not for workers
  int unix_mode = 0777;
  ConnectOptions tcp;  // for accepted sockets
};

using Task = std::move_only_function<void()>;

struct Resolved {
  std::vector<Address> addresses;  // empty: `error` says why, and names the host
  std::string error;
  bool unknown_name = false;  // it was answered that there is no such name or no address for it
};

enum class CloseMode : std::uint8_t {
  flush,  // write what is queued first (bounded by kLingerMax), then an orderly end
  now,    // drop what is queued, orderly end
  reset,  // RST
};

class Reactor {
 public:
  static constexpr std::size_t kReceiveBytes = 64 * 1024;
  static constexpr std::size_t kHighWater = 64 * 1024;
  static constexpr std::size_t kLowWater = 16 * 1024;
  // A chunk of at least this size goes to the kernel at once if nothing is queued before it; a
  // smaller one waits for the end of the turn, to share its write with what else comes.
  static constexpr std::size_t kDirectWriteBytes = 8 * 1024;

  virtual ~Reactor() = default;

  // Time, which stands still within a turn, and chance.
  Instant now() const { return now_; }
  WallTime wall_now() const { return wall_now_; }
  virtual Entropy& entropy() = 0;
  virtual BlockPool& blocks() = 0;

  // Streams. Handlers outlive their streams, or close them first. Stale ids are ignored
  // (queries give zero/false).
  virtual StreamId connect(const Address& address, const ConnectOptions& options,
                           StreamHandler* handler) = 0;
  virtual StreamId adopt(ParcelPtr parcel, StreamHandler* handler) = 0;
  // Takes a connected, secured-or-clear stream with no output queued out of this reactor, TLS
  // state and unread bytes included; no more callbacks from it. Null when it cannot move.
  virtual ParcelPtr detach(StreamId stream) = 0;
  virtual void set_handler(StreamId stream, StreamHandler* handler) = 0;

  // False when the stream has more queued than it should: output_drained() will follow.
  virtual bool write(StreamId stream, Bytes bytes) = 0;
  virtual std::size_t queued(StreamId stream) const = 0;
  // Paused streams get no bytes_arrived and no peer_finished; a reset is still noticed.
  virtual void pause_reading(StreamId stream) = 0;
  virtual void resume_reading(StreamId stream) = 0;
  // Nothing more is written: what is queued goes out, then our side of the stream ends. The handler
  // goes on hearing the peer until it ends its own.
  virtual void end_output(StreamId stream) = 0;
  // No callback follows, whatever the mode.
  virtual void close(StreamId stream, CloseMode mode) = 0;

  // Upgrades to TLS. Output queued before goes out in clear first. `early` is ciphertext that the
  // caller has already read (direct TLS). `name` = SNI to send and name to verify (client side).
  virtual void start_tls_server(StreamId stream, TlsContextRef context, Bytes early) = 0;
  virtual void start_tls_client(StreamId stream, TlsContextRef context,
                                const std::string& name) = 0;
  virtual bool is_secured(StreamId stream) const = 0;

  virtual Address local_address(StreamId stream) const = 0;
  virtual Address peer_address(StreamId stream) const = 0;

  // Timers. Arming with Instant::never() is allowed and never fires.
  virtual TimerId arm(Instant when, TimerHandler* handler, std::uint64_t cookie) = 0;
  // Later or earlier; cheap when it moves later. A timer that fired is gone: arm anew.
  virtual void rearm(TimerId timer, Instant when) = 0;
  virtual void disarm(TimerId timer) = 0;

  // Everything that is not a stream. Callbacks run on this reactor, in a later turn.
  virtual void resolve(const Target& target, std::move_only_function<void(Resolved)> done) = 0;
  // Runs `job` away from the workers (bounded queue), then `done` here.
  virtual void offload(Task job, Task done) = 0;
  // The only cross-worker path: `task` runs on this reactor in its next turn. Thread-safe.
  virtual void post(Task task) = 0;

  // Counted for the bench and SHOW WORKERS: turns, and system calls by kind, since start.
  struct Counters {
    std::uint64_t turns = 0, receives = 0, sends = 0, epoll_ctls = 0, accepts = 0;
    std::uint64_t accepts_shed = 0;  // closed at once, for want of a descriptor
  };
  virtual const Counters& counters() const = 0;

 protected:
  Instant now_;
  WallTime wall_now_;
};

}  // namespace tidegate::net
