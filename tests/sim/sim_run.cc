#include "sim/sim_run.h"

#include "sim/places.h"
#include "sim/sim_client.h"
#include "sim/sim_postgres.h"
#include "sim/sim_proxy.h"

namespace tidegate::sim {

namespace {

// Simulated. A run that takes longer is stuck.
constexpr Duration kRunMax = 3600s;
constexpr std::uint64_t kEventsMax = 30'000'000;

class Run {
 public:
  Run(const RunPlan& plan, Trace trace);
  RunResult finish();

 private:
  void start_servers(const Trace& trace);
  void start_clients(Trace trace);
  void live();
  bool all_finished() const;
  bool may_strike(net::SimFault fault) const {
    return plan_.network_faults[static_cast<std::size_t>(fault)] > 0;
  }

  const RunPlan& plan_;
  RunResult result_;
  Ledger ledger_;
  net::SimNetwork network_;
  std::vector<std::unique_ptr<SimPostgres>> servers_;
  std::unique_ptr<SimProxy> proxy_;
  std::unique_ptr<ClientWorld> world_;
  std::vector<std::unique_ptr<SimClient>> clients_;
};

Run::Run(const RunPlan& plan, Trace trace) : plan_(plan), network_(plan.seed, plan.network_faults) {
  start_servers(trace);
  if (!plan_.direct) proxy_ = std::make_unique<SimProxy>(plan_, network_, ledger_, trace);
  start_clients(std::move(trace));
  live();
}

void Run::start_servers(const Trace& trace) {
  for (int i = 0; i < plan_.upstreams; ++i) {
    auto options = plan_.server;
    options.trace = trace;
    if (!plan_.direct) options.budget = plan_.upstream_limits.budget;
    if (plan_.direct) options.sessions_max = 10'000;
    servers_.push_back(
        std::make_unique<SimPostgres>(network_, server_address(i), options, ledger_));
  }
}

void Run::start_clients(Trace trace) {
  world_ = std::make_unique<ClientWorld>(ClientWorld{
      .network = network_,
      .ledger = ledger_,
      .target = plan_.direct ? servers_[0]->address() : proxy_address(),
      .totals = result_.clients,
      .calm = plan_.calm,
      .links_may_break = plan_.direct || may_strike(net::SimFault::link_reset),
      .logins_may_break =
          may_strike(net::SimFault::out_of_descriptors) || may_strike(net::SimFault::tls_failure),
      .depth_max = plan_.depth_max,
      .whim_percent = plan_.whim_percent,
      .session_transactions_max = plan_.session_transactions_max,
      .tls = plan_.direct ? plan_.server.tls : plan_.client_tls,
      .password = plan_.direct ? plan_.server.password
                               : std::string(plan_.client_password ? kPassword : ""),
      .trace = std::move(trace),
  });
  net::SimRandom random(plan_.seed + 17);
  for (int i = 0; i < plan_.clients; ++i) {
    const auto user =
        "user" + std::to_string(random.below(static_cast<std::uint64_t>(plan_.users)));
    const auto database =
        "db" + std::to_string(random.below(static_cast<std::uint64_t>(plan_.databases)));
    clients_.push_back(std::make_unique<SimClient>(*world_, i, user, database, plan_.habits,
                                                   plan_.transactions / plan_.clients + 1));
    clients_.back()->start();
  }
}

bool Run::all_finished() const {
  for (const auto& client : clients_) {
    if (!client->finished()) return false;
  }
  return true;
}

void Run::live() {
  const auto limit = network_.now() + kRunMax;
  for (std::uint64_t i = 0; ledger_.findings().empty(); ++i) {
    if (i % 64 == 0 && all_finished()) return;
    if (network_.now() > limit || i > kEventsMax || !network_.step()) {
      if (all_finished()) return;
      ledger_.finding("no progress: the run does not come to its end");
      for (const auto& client : clients_) {
        if (!client->finished()) ledger_.finding(client->describe());
      }
      return;
    }
  }
}

RunResult Run::finish() {
  network_.calm_down();
  for (auto& server : servers_) server->calm_down();
  if (proxy_ && ledger_.findings().empty()) proxy_->look_over();
  if (ledger_.findings().empty()) {
    network_.run_until(network_.now() + 100s);  // what is on its way arrives
    ledger_.close();
  }
  result_.trace = network_.trace();
  result_.events = network_.events();
  result_.lasted = network_.now() - Instant{0};
  result_.findings = ledger_.findings();
  result_.network_faults = network_.fault_counts();
  for (const auto& server : servers_) {
    for (std::size_t i = 0; i < kServerFaults; ++i) {
      result_.server_faults[i] += server->fault_counts()[i];
    }
    for (const auto& [message, count] : server->deaths_by_message()) {
      result_.deaths[message] += count;
    }
    result_.server_logins += server->logins();
    result_.server_cancels += server->cancels();
  }
  return std::move(result_);
}

}  // namespace

RunResult run(const RunPlan& plan, Trace trace) {
  return Run(plan, std::move(trace)).finish();
}

}  // namespace tidegate::sim
