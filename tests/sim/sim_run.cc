#include "sim/sim_run.h"

#include "sim/places.h"
#include "sim/sim_client.h"
#include "sim/sim_postgres.h"
#include "sim/sim_service.h"

namespace tidegate::sim {

namespace {

// Simulated. A run that takes longer is stuck.
constexpr Duration kRunMax = 3600s;
constexpr std::uint64_t kEventsMax = 30'000'000;
// What every run must come to; a smaller one proves less than it says.
constexpr std::uint64_t kTransactionsMin = 2000;
constexpr std::uint64_t kSessionsMin = 50;
constexpr int kWorkersMin = 3;

class Run {
 public:
  Run(const RunPlan& plan, Trace trace);
  RunResult finish();

 private:
  void start_servers(const Trace& trace);
  void start_clients(Trace trace);
  void live();
  bool all_finished() const;
  void check_size();
  void add_up();

  const RunPlan& plan_;
  RunResult result_;
  Ledger ledger_;
  net::SimNetwork network_;
  std::vector<std::unique_ptr<SimPostgres>> servers_;
  Outlook outlook_;
  std::unique_ptr<SimService> service_;
  std::unique_ptr<ClientWorld> world_;
  std::vector<std::unique_ptr<SimClient>> clients_;
};

Run::Run(const RunPlan& plan, Trace trace) : plan_(plan), network_(plan.seed, plan.network_faults) {
  start_servers(trace);
  if (!plan_.direct) {
    service_ = std::make_unique<SimService>(plan_, network_, ledger_, outlook_, trace);
    result_.scenarios = plan_.scenarios();
  }
  start_clients(std::move(trace));
  live();
}

void Run::start_servers(const Trace& trace) {
  for (int i = 0; i < plan_.upstreams; ++i) {
    const auto first = static_cast<std::size_t>(i * plan_.hosts.living);
    auto options = plan_.server;
    options.trace = trace;
    if (plan_.direct) {
      options.sessions_max = 10'000;
    } else {
      options.budget = plan_.upstream_limits.budget;
      options.process_since = [this] { return outlook_.serving_since; };
      options.route_max = [this](const std::string& database) {
        const auto& limits = plan_.databases.at(std::stoul(database.substr(2))).limits;
        return limits.pool_size + limits.max_overflow;
      };
      options.sessions_everywhere = [this, first] {
        int count = 0;
        for (int host = 0; host < plan_.hosts.living; ++host) {
          count += servers_[first + static_cast<std::size_t>(host)]->sessions_counted();
        }
        return count;
      };
    }
    for (int host = 0; host < plan_.hosts.living; ++host) {
      servers_.push_back(
          std::make_unique<SimPostgres>(network_, server_address(i, host), options, ledger_));
    }
  }
}

void Run::start_clients(Trace trace) {
  const auto direct_tls = plan_.server.tls ? net::SslMode::allow : net::SslMode::disable;
  world_ = std::make_unique<ClientWorld>(ClientWorld{
      .network = network_,
      .ledger = ledger_,
      .target = plan_.direct ? servers_[0]->address() : proxy_address(),
      .totals = result_.clients,
      .outlook = outlook_,
      .calm = plan_.calm,
      .links_may_break = plan_.direct || plan_.may_strike(net::SimFault::link_reset),
      .unasked_may_come =
          plan_.may_strike(ServerFault::odd_notice) || plan_.may_strike(ServerFault::odd_parameter),
      .logins_may_break = plan_.may_strike(net::SimFault::out_of_descriptors) ||
                          plan_.may_strike(net::SimFault::tls_failure),
      .process_leaves = !plan_.direct && !plan_.leaves.empty(),
      .patience = plan_.patience(),
      .think_max = plan_.think_max(),
      .depth_max = plan_.depth_max,
      .whim_percent = plan_.whim_percent,
      .session_transactions_max = plan_.session_transactions_max,
      .tls = plan_.direct ? direct_tls : plan_.client_tls,
      .proven = plan_.client_auth != ClientAuth::trust,
      .places_limited = !plan_.direct && plan_.places_limited(),
      .direct = plan_.direct,
      .trace = std::move(trace),
  });
  net::SimRandom random(plan_.seed + 17);
  for (int i = 0; i < plan_.clients; ++i) {
    const auto user = random.below(static_cast<std::uint64_t>(plan_.users));
    const auto database = random.below(plan_.databases.size());
    const SimClient::Person person{
        .number = i,
        .user = "user" + std::to_string(user),
        .database = "db" + std::to_string(database),
        .mode = plan_.direct ? PoolMode::transaction : plan_.databases[database].mode,
        .transactions = plan_.transactions / plan_.clients + 1,
    };
    clients_.push_back(std::make_unique<SimClient>(*world_, person, plan_.habits));
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
    if (service_) service_->worked(result_.clients.begun);
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

void Run::check_size() {
  const bool small = plan_.workers < kWorkersMin || result_.clients.logins < kSessionsMin ||
                     result_.clients.transactions < kTransactionsMin;
  if (small) ledger_.finding("too small a run");
}

RunResult Run::finish() {
  network_.calm_down();
  for (auto& server : servers_) server->calm_down();
  if (service_ && ledger_.findings().empty()) service_->end();
  if (ledger_.findings().empty()) check_size();
  if (ledger_.findings().empty()) {
    network_.run_until(network_.now() + 100s);  // what is on its way arrives
    ledger_.close();
  }
  add_up();
  return std::move(result_);
}

void Run::add_up() {
  result_.trace = network_.trace();
  result_.events = network_.events();
  result_.lasted = network_.now() - Instant{0};
  result_.findings = ledger_.findings();
  result_.network_faults = network_.fault_counts();
  for (const auto& server : servers_) {
    for (std::size_t i = 0; i < kServerFaults; ++i) {
      result_.server_faults[i] += server->fault_counts()[i];
    }
    for (std::size_t i = 0; i < kDeathStepCount; ++i) result_.deaths[i] += server->deaths()[i];
    result_.server_logins += server->logins();
    result_.server_cancels += server->cancels();
  }
  if (service_ == nullptr) return;
  const auto left = [&](Scenario scenario, std::uint64_t times) {
    result_.scenarios[static_cast<std::size_t>(scenario)] = times > 0;
  };
  left(Scenario::drain, service_->leaves_in_good_order());
  left(Scenario::leave_at_once, service_->leaves_at_once());
}

}  // namespace

RunResult run(const RunPlan& plan, Trace trace) {
  return Run(plan, std::move(trace)).finish();
}

}  // namespace tidegate::sim
