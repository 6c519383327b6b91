// Names to addresses, without ever blocking: c-ares asks the servers (and /etc/hosts) over sockets
// in the reactor's own epoll, with its timeouts on the reactor's wheel. Literal addresses and unix
// paths are answered without it. Several lookups of one name at a time share one query.
#pragma once

#include <ares.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/dns_cache.h"
#include "net/epoll_reactor.h"
#include "net/poller.h"
#include "net/timer_wheel.h"

namespace tidegate::net {

class Resolver final : private TimerHandler {
 public:
  using Done = std::move_only_function<void(Resolved)>;

  static constexpr Duration kUnknownNameTtl = 5s;  // the name does not exist
  static constexpr Duration kFailureTtl = 1s;      // nobody answered
  // resolv.conf and /etc/hosts are read anew when the channel is older than this.
  static constexpr Duration kChannelMax = 60s;

  Resolver(Poller& poller, TimerWheel& wheel, const Instant& now,
           const EpollReactor::Options& options);
  ~Resolver() override;

  // `done` is called by deliver(), never from here.
  void resolve(const Target& target, Done done);
  void on_event(std::uint32_t fd, std::uint32_t events);
  void deliver();
  bool has_answers() const { return !answered_.empty(); }

 private:
  struct Waiter {
    int port = 0;
    Done done;
  };
  struct Query {
    Resolver& resolver;
    std::string name;
    std::vector<Waiter> waiters;
  };
  struct Answered {
    Resolved result;
    Done done;
  };

  void start(const std::string& name, Waiter waiter);
  bool open_channel();
  void close_channel();
  void watch_socket(int fd, bool readable, bool writable);
  void schedule();
  void timer_fired(TimerId timer, std::uint64_t cookie) override;
  static void query_ended(void* query, int status, int timeouts, ares_addrinfo* found);
  void answer(const std::string& name, int status, const ares_addrinfo* found);
  void hand_out(const DnsAnswer& answer, Waiter waiter);

  Poller& poller_;
  TimerWheel& wheel_;
  const Instant& now_;
  const std::string servers_;
  const Duration ttl_max_;
  ares_channel channel_ = nullptr;
  Instant channel_opened_;
  std::vector<int> sockets_;  // c-ares's own, registered with the poller
  TimerId timer_;
  DnsCache cache_;
  std::unordered_map<std::string, std::unique_ptr<Query>> queries_;
  std::vector<Answered> answered_;
};

}  // namespace tidegate::net
