// The proxy under test: the real Process and Workers, each worker on a reactor of the simulation,
// and the checks that look inside them - after every turn, and when the run is over.
#pragma once

#include <functional>
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

  // When all clients are gone: nothing may be left of them, and after closing, of the servers.
  void look_over();

 private:
  // Between a reactor and its worker: what must hold whenever a turn has settled.
  class Watch final : public net::TurnHandler {
   public:
    Watch(SimProxy& proxy, proxy::Worker& worker) : proxy_(proxy), worker_(worker) {}
    bool settle() override;

   private:
    SimProxy& proxy_;
    proxy::Worker& worker_;
  };
  class TraceLog;
  struct Lane {
    std::unique_ptr<net::SimReactor> reactor;
    std::unique_ptr<proxy::Worker> worker;
    std::unique_ptr<Watch> watch;
    net::ListenerId accepting;
  };

  void check_pools();
  void check_no_clients_left();
  void check_no_servers_left();

  net::SimNetwork& network_;
  Ledger& ledger_;
  bool keeps_idle_servers_;  // min_idle is not 0
  std::unique_ptr<TraceLog> log_;
  std::unique_ptr<proxy::Process> process_;
  std::shared_ptr<net::SimListener> listener_;
  std::vector<Lane> lanes_;
};

}  // namespace tidegate::sim
