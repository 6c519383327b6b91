// The reactor over Linux epoll: edge-triggered, each socket registered once, and once more when a
// write did not fit for the first time, so that the steady state makes no epoll_ctl call. One
// thread calls run(); post() and stop() may come from any thread.
#pragma once

#include <memory>

#include "net/listener.h"
#include "net/offload.h"
#include "net/reactor.h"

namespace tidegate::net {

// Of streams that were closed and linger: what would be lost with them if the process ended now.
struct LastWords {
  std::size_t unsent = 0;  // streams with something that the kernel has yet to take
  // With everything sent, but the peer's kernel does not have it all, or has sent what nobody has
  // read: the socket may end with a reset. Who has it all and keeps its own end open is not
  // counted.
  std::size_t unheard = 0;
};

class EpollReactor : public Reactor {
 public:
  struct Options {
    std::string dns_servers;    // "127.0.0.1:53,10.0.0.2"; empty = as /etc/resolv.conf says
    Duration dns_ttl_max{15s};  // longest time an address is believed
  };
  // `offload` is shared by all workers and outlives them.
  static std::unique_ptr<EpollReactor> make(Offload& offload, const Options& options);
  static std::unique_ptr<EpollReactor> make(Offload& offload) { return make(offload, {}); }

  // Accepts from a listener shared with other reactors (EPOLLEXCLUSIVE). Keeps a few descriptors
  // in reserve: at EMFILE the connection is accepted and closed, and the loop goes on.
  virtual ListenerId accept_from(std::shared_ptr<Listener> listener, AcceptHandler* handler) = 0;
  virtual void stop_accepting(ListenerId listener) = 0;

  // Looks at each stream that was closed and still delivers its last words, which has an end.
  virtual LastWords last_words() = 0;

  // Turns until stop().
  virtual void run(TurnHandler& turn) = 0;
  virtual void stop() = 0;
  // One turn, which waits for at most `wait_max`.
  virtual void run_once(TurnHandler& turn, Duration wait_max) = 0;
};

}  // namespace tidegate::net
