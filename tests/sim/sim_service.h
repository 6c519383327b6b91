// The process of the proxy as an operator sees it: it serves, it is asked to leave, lets
// transactions finish (or not), says goodbye to the databases and ends; after a while another one
// listens in its place. What cli's Service and serve() do with threads and signals, on the
// simulated clock.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/client_world.h"
#include "sim/run_plan.h"
#include "sim/sim_proxy.h"

namespace tidegate::sim {

class SimService {
 public:
  using Trace = std::function<void(const std::string&)>;
  SimService(const RunPlan& plan, net::SimNetwork& network, Ledger& ledger, Outlook& outlook,
             Trace trace);

  // So many transactions have been begun: it may be time to leave.
  void worked(std::uint64_t transactions);
  // The clients are all gone: the process leaves once more, in good order, and nothing is left.
  void end();

  // In the middle of the run.
  std::uint64_t leaves_in_good_order() const { return in_good_order_; }
  std::uint64_t leaves_at_once() const { return broken_off_; }

 private:
  enum class State : std::uint8_t { serving, leaving, stopping, away };

  void start();
  void leave(Duration shutdown_timeout, Duration away);
  void look();
  void stop(bool at_once);
  void look_at_servers();
  void left();
  void later(Duration delay, void (SimService::*step)());
  void trace(std::string_view what);

  const RunPlan& plan_;
  net::SimNetwork& network_;
  Ledger& ledger_;
  Outlook& outlook_;
  Trace trace_;
  std::unique_ptr<SimProxy> proxy_;
  State state_ = State::away;
  std::size_t leaves_ = 0;  // of the plan, under way or over
  bool last_ = false;       // nobody listens afterwards
  bool at_once_ = false;
  Instant since_;  // leaving, or stopping
  Duration shutdown_timeout_{0};
  Duration away_{0};
  std::uint64_t in_good_order_ = 0;
  std::uint64_t broken_off_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidegate::sim
