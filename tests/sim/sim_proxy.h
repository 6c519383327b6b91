// The proxy under test: the real Process and Workers, each worker on a reactor of the simulation,
// and the checks that look inside them - after every turn, and when the run is over.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/sim_reactor.h"
#include "proxy/process.h"
#include "proxy/worker.h"
#include "sim/ledger.h"
#include "sim/run_plan.h"

namespace tidegate::sim {

class SimProxy {
 public:
  SimProxy(const RunPlan& plan, net::SimNetwork& network, Ledger& ledger,
           std::function<void(const std::string&)> trace);
  ~SimProxy();

  // What cli's Service does when the process leaves, step by step.
  void leave();
  bool clients_are_gone() const;
  void close_servers();
  int servers_left() const;
  std::size_t last_words_left() const;  // streams that are closed and not yet delivered

  // When all clients are gone nothing may be left of them, and after closing, of the servers.
  void check_no_clients_left();
  void check_no_servers_left();

 private:
  struct Lane;
  // Between a reactor and its worker: what must hold whenever a turn has settled.
  class Watch final : public net::TurnHandler {
   public:
    Watch(SimProxy& proxy, Lane& lane) : proxy_(proxy), lane_(lane) {}
    bool settle() override;

   private:
    SimProxy& proxy_;
    Lane& lane_;
  };
  class TraceLog;
  struct Lane {
    std::unique_ptr<net::SimReactor> reactor;
    std::unique_ptr<proxy::Worker> worker;
    std::unique_ptr<Watch> watch;
    net::ListenerId accepting;
    bool leaving = false;  // its clients at rest have been dismissed
  };

  void check_pools();
  void check_route(const proxy::Route& route, pool::Pool& pool);
  void check_stranded();
  void check_waiters();
  void check_order();
  void check_clients();
  void check_rest(Lane& lane);

  // Who of a route waits longest, and how many it had served when he came.
  struct Line {
    Instant oldest = Instant::never();
    std::uint64_t served = 0;
  };
  Instant oldest_wait(const proxy::Route& route);
  std::uint64_t served_by(proxy::Route& route) const;

  net::SimNetwork& network_;
  Ledger& ledger_;
  std::uint64_t served_max_;  // while one client waits
  bool calm_;
  bool places_limited_;  // how many clients there may be
  std::unique_ptr<TraceLog> log_;
  std::unique_ptr<proxy::Process> process_;
  std::shared_ptr<net::SimListener> listener_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::map<const proxy::Route*, Line> lines_;
  std::map<const proxy::Route*, Instant> stranded_since_;
};

}  // namespace tidegate::sim
