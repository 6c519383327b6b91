// What a SimReactor keeps of one stream, and two things that outlive it: the parcel in which it
// travels to another reactor, and the remains of one that is closing politely.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/byte_queue.h"
#include "net/reactor.h"
#include "net/sim_link.h"
#include "net/sim_network.h"
#include "net/sim_tls.h"

namespace tidegate::net {

struct SimStream {
  enum class State : std::uint8_t { connecting, clear, securing_server, securing_client, secured };

  // Tells the reactor that the socket changed; at a stable address, since streams never move.
  struct Watcher final : SimSocketWatcher {
    std::function<void()> tell;
    void socket_changed() override { tell(); }
  };

  State state = State::clear;
  StreamHandler* handler = nullptr;
  SimSocket socket;
  Watcher watcher;
  std::shared_ptr<SimAttempt> attempt;
  Address local;
  Address peer;

  ByteQueue output;      // goes out now
  ByteQueue held;        // written during a handshake: goes out above TLS, after it
  ByteBuffer handshake;  // handshake bytes, then what came behind them
  SimHello hello;        // the client's, on either side

  bool paused = false;
  bool above_high_water = false;
  bool drained = false;
  bool peer_finished_told = false;
  bool output_ended = false;
  bool in_ready = false;
  bool in_dirty = false;
  bool connected_untold = false;
  std::optional<CloseReason> failure;
  std::string failure_detail;

  bool handshaking() const {
    return state == State::securing_server || state == State::securing_client;
  }
  std::size_t queued() const { return output.size() + held.size(); }
  // Bytes that came behind the handshake wait in `handshake` until they are delivered.
  std::size_t readable() const { return handshake.size() + (socket ? socket.readable() : 0); }
};

struct SimParcel final : Parcel {
  SimSocket socket;
  bool secured = false;
  bool peer_finished_told = false;
  ByteBuffer unread;
  Address local;
  Address peer;
};

// After close(flush): writes what is left, ends, and reads on until the peer ends too, so that the
// kernel has no reason for a reset which could overtake the last words.
class SimLingering final : public SimSocketWatcher {
 public:
  static constexpr Duration kLingerMax = 5s;

  SimLingering(SimSocket socket, ByteQueue output);
  ~SimLingering() override;
  void socket_changed() override;
  bool finished() const { return !socket_; }
  // Whether words were left that the peer had not taken.
  bool give_up() {
    socket_.close();
    const bool words_lost = !output_.empty();
    output_.clear();
    return words_lost;
  }

 private:
  SimSocket socket_;
  ByteQueue output_;
};

}  // namespace tidegate::net
