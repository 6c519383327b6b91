// The simulated world: one clock, one list of things to come, listeners by address, host names,
// and every connection. Nothing in it happens by itself: step() takes the next event, moves the
// clock to it and runs it. No sockets, no threads, no real time; all chance comes from the seed,
// so a run is a function of seed and code.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/reactor.h"
#include "net/sim_faults.h"
#include "net/sim_link.h"
#include "net/sim_random.h"

namespace tidegate::net {

// 10.x.y.z:port; the same arguments give the same address.
Address sim_address(std::uint32_t host, int port);

// Takes connections that arrive at an address. What it is given is connected already.
class SimAcceptor {
 public:
  virtual ~SimAcceptor() = default;
  virtual void incoming(SimSocket socket, const Address& peer, const Address& local) = 0;
};

// An attempt to connect. Dropping the pointer does not stop it; `abandoned` does, and then nobody
// ever sees the connection.
struct SimAttempt {
  bool abandoned = false;
};
// `socket` is empty when `outcome` tells why there is none; CloseReason::local stands for success.
using SimConnected = std::move_only_function<void(SimSocket socket, CloseReason outcome)>;

class SimNetwork {
 public:
  SimNetwork(std::uint64_t seed, const SimFaultMenu& menu);
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  Instant now() const { return now_; }
  WallTime wall_now() const { return {wall_base_us_ + now_.ns / 1000}; }
  SimRandom& random() { return random_; }

  // Draws a fault; counts it when it strikes.
  bool strikes(SimFault fault);
  const SimFaultCounts& fault_counts() const { return fault_counts_; }
  // No more faults from here on, and all clogs open: what is under way can come to its end.
  void calm_down();

  // Things to come. Equal instants run in the order in which they were asked for.
  void at(Instant when, Task task);
  void after(Duration delay, Task task) { at(now_ + delay, std::move(task)); }
  // Runs the next event. False: nothing is left to happen.
  bool step();
  // Steps until nothing is left that is due by `when`, then moves the clock there.
  void run_until(Instant when);

  void listen(const Address& address, SimAcceptor* acceptor);
  void stop_listening(const Address& address);
  std::shared_ptr<SimAttempt> connect(const Address& from, const Address& to, SimConnected done);

  // A host that is off: whoever connects hears nothing until the kernel gives up.
  void swallow(const Address& address);

  void set_host(const std::string& name, std::vector<Address> addresses);
  Resolved resolve(const Target& target);

  // The fingerprint of everything that happened: two runs of one seed must agree on it.
  void note(std::uint64_t fact) { trace_ = (trace_ ^ fact) * 0x100000001b3u + 1; }
  std::uint64_t trace() const { return trace_; }
  std::uint64_t events() const { return events_; }
  // Somebody read so slowly that the bounded time for the last words of a closed stream passed.
  void note_words_lost() { words_lost_ = true; }
  bool words_lost() const { return words_lost_; }

 private:
  struct Event {
    Instant at;
    std::uint64_t order;
    mutable Task task;                          // a priority_queue shows its elements as const
    bool operator<(const Event& other) const {  // the queue's top is its greatest: the earliest
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void establish(const Address& from, const Address& to, SimConnected done);
  SimAcceptor* acceptor(const Address& address) const;
  void weather();
  void schedule_weather();
  void swizzle();
  std::vector<std::shared_ptr<SimLink>> living_links();
  std::shared_ptr<SimLink> random_link();

  SimRandom random_;
  SimFaultMenu menu_;
  SimFaultCounts fault_counts_{};
  Instant now_{1'000'000'000};
  std::int64_t wall_base_us_ = 1'790'000'000'000'000;
  std::priority_queue<Event> events_queue_;
  std::uint64_t order_ = 0;
  bool words_lost_ = false;
  std::uint64_t events_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325u;
  Duration latency_max_;
  bool weather_scheduled_ = false;
  bool calm_ = false;
  bool ending_ = false;
  std::map<std::string, SimAcceptor*> acceptors_;
  std::set<std::string> silent_;  // addresses
  std::map<std::string, std::vector<Address>> hosts_;
  std::vector<std::weak_ptr<SimLink>> links_;
  std::vector<std::pair<std::weak_ptr<SimLink>, int>> clogged_;
};

}  // namespace tidegate::net
