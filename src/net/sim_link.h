// A simulated connection as a kernel would give it to us: two directions, each with a delay, a
// limited buffer and a memory of what was sent before; orderly ends, half-closes and resets. A
// SimSocket is one end of it. Reactors and simulated peers alike stand on sockets.
#pragma once

#include <deque>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"

namespace tidegate::net {

class SimNetwork;

// Told that a socket may have become readable, writable, ended or reset. Called from the event
// loop only, never from inside a call that the owner makes on the socket.
class SimSocketWatcher {
 public:
  virtual ~SimSocketWatcher() = default;
  virtual void socket_changed() = 0;
};

// Both ends of a connection. Owned by its sockets and by the events under way.
class SimLink : public std::enable_shared_from_this<SimLink> {
 public:
  // `latency` is one way; `window_bytes` bounds what one direction holds, in flight and unread.
  SimLink(SimNetwork& network, Duration latency, std::size_t window_bytes);

  // A clogged direction holds back everything, ends and resets too, until it is unclogged.
  void clog(int sender, bool clogged);
  // A reset that neither end asked for.
  void cut();
  // Neither end is held by anybody.
  bool abandoned() const { return ends_[0].gone && ends_[1].gone; }

 private:
  friend class SimSocket;
  enum class Kind : std::uint8_t { data, fin, reset };
  struct Segment {
    Kind kind;
    Instant at;
    ByteBuffer bytes;
  };
  // What one end sends to the other.
  struct Direction {
    std::deque<Segment> flying;
    std::size_t flying_bytes = 0;
    ByteBuffer received;
    std::size_t read_offset = 0;
    Instant last_arrival{0};
    bool fin_sent = false;
    bool fin_arrived = false;
    bool clogged = false;
    bool sender_blocked = false;

    std::size_t unread() const { return received.size() - read_offset; }
  };
  struct End {
    SimSocketWatcher* watcher = nullptr;
    bool gone = false;       // no socket any more
    bool was_reset = false;  // a reset arrived here
    Instant gone_at = Instant::never();
  };

  std::size_t send(int end, Bytes bytes);
  std::size_t receive(int end, MutableBytes out);
  void finish(int end);
  void reset(int end);
  void release(int end);
  void leave(int end);
  void launch(int sender, Kind kind, Bytes bytes);
  void arrive(int sender);
  void land(int sender, Segment segment);
  void changed(int end);
  void changed_later(int end);
  Duration flight_time();

  SimNetwork& network_;
  Duration latency_;
  std::size_t window_bytes_;
  Direction directions_[2];  // by sender
  End ends_[2];
};

// One end. Move-only; dropping it closes: orderly when everything that arrived was read, with a
// reset otherwise, as TCP does.
class SimSocket {
 public:
  SimSocket() = default;
  SimSocket(std::shared_ptr<SimLink> link, int end) : link_(std::move(link)), end_(end) {}
  ~SimSocket() { close(); }
  SimSocket(SimSocket&& other) noexcept : link_(std::move(other.link_)), end_(other.end_) {}
  SimSocket& operator=(SimSocket&& other) noexcept;

  explicit operator bool() const { return link_ != nullptr; }
  void watch(SimSocketWatcher* watcher);

  // How many bytes were taken. Less than all: the watcher hears when to try again.
  std::size_t send(Bytes bytes) { return link_->send(end_, bytes); }
  std::size_t receive(MutableBytes out) { return link_->receive(end_, out); }
  std::size_t readable() const;
  // Everything was read and the other end sends no more.
  bool at_end() const;
  bool was_reset() const;
  // When the other end was closed, whether or not that has arrived here: for checkers, which see
  // everything.
  Instant peer_gone_at() const { return link_->ends_[1 - end_].gone_at; }
  bool peer_was_reset() const { return link_->ends_[1 - end_].was_reset; }
  // Sends no more; still receives.
  void finish() { link_->finish(end_); }
  void reset();
  void close();

 private:
  std::shared_ptr<SimLink> link_;
  int end_ = 0;
};

}  // namespace tidegate::net
