// Accepts connections from the listeners that the reactors share. Each reactor waits for them
// exclusively (EPOLLEXCLUSIVE), so that a connection wakes one worker and not all.
//
// A process that runs out of descriptors must neither stop nor spin: a connection that cannot be
// accepted stays readable for ever. So one descriptor is kept in reserve; it is given up to accept
// the connection and close it at once. If even that fails, the listener rests for a moment.
#pragma once

#include <memory>
#include <vector>

#include "net/poller.h"
#include "net/timer_wheel.h"

namespace tidegate::net {

class Acceptors final : private TimerHandler {
 public:
  static constexpr int kAcceptsMax = 64;  // per listener and turn
  static constexpr Duration kRest = 100ms;

  Acceptors(Poller& poller, TimerWheel& wheel, const Instant& now,
            EpollReactor::Counters& counters);

  ListenerId add(std::shared_ptr<Listener> listener, AcceptHandler* handler);
  void remove(ListenerId id);
  void on_event(std::uint32_t index);

 private:
  // How many connections the last event took, and in which turn.
  struct Pace {
    int batch = 1;
    std::uint64_t turn = 0;
  };
  struct Acceptor {
    std::shared_ptr<Listener> listener;  // null: removed; indices are not used again
    AcceptHandler* handler = nullptr;
    bool any_address = false;  // listens on all, so each connection has to be asked for its own
    Pace pace;
  };

  bool accept_one(std::uint32_t index);
  bool shed_one(std::uint32_t index);
  void rest(std::uint32_t index);
  void timer_fired(TimerId timer, std::uint64_t cookie) override;
  void watch(std::uint32_t index);

  Poller& poller_;
  TimerWheel& wheel_;
  const Instant& now_;
  EpollReactor::Counters& counters_;
  std::vector<Acceptor> acceptors_;
  FileDescriptor reserve_;
};

}  // namespace tidegate::net
