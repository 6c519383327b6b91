#include "sim/sim_proxy.h"

#include <fmt/format.h>

#include "base/check.h"
#include "net/tls.h"
#include "sim/places.h"

namespace tidegate::sim {

namespace {

// Longer than anything in the proxy takes to come to rest: lingering, cleaning up, closing.
constexpr Duration kRestTime = 30s;

config::Upstream make_upstream(const RunPlan& plan, int index, net::SimNetwork& network) {
  config::Upstream upstream;
  upstream.name = fmt::format("upstream{}", index);
  const auto host = fmt::format("database{}.sim", index);
  network.set_host(host, {server_address(index)});
  upstream.hosts = {{host, 5432}};
  upstream.ssl_mode = plan.server.tls ? net::SslMode::prefer : net::SslMode::disable;
  upstream.limits = plan.upstream_limits;
  upstream.close_timeout = plan.server.close_grace;
  return upstream;
}

config::Config make_config(const RunPlan& plan, net::SimNetwork& network) {
  config::Config config;
  config.workers = plan.workers;
  config.client_ssl_mode = plan.client_tls ? net::SslMode::allow : net::SslMode::disable;
  config.log_connections = false;
  for (int i = 0; i < plan.users; ++i) {
    config.users.push_back({.name = fmt::format("user{}", i),
                            .secret = std::string(kPassword),
                            .trust = !plan.client_password});
  }
  for (int i = 0; i < plan.upstreams; ++i) {
    config.upstreams.push_back(make_upstream(plan, i, network));
  }
  for (int i = 0; i < plan.databases; ++i) {
    config::Route route;
    route.database = fmt::format("db{}", i);
    route.upstream = fmt::format("upstream{}", i % plan.upstreams);
    route.limits = plan.route_limits;
    route.rules.server_statements_max = plan.server_statements_max;
    config.routes.push_back(route);
  }
  return config;
}

}  // namespace

class SimProxy::TraceLog final : public Log {
 public:
  TraceLog(net::SimNetwork& network, std::function<void(const std::string&)> trace)
      : network_(network), trace_(std::move(trace)) {}
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    if (!trace_) return;
    std::string line = fmt::format("proxy {} us {}", network_.now().ns / 1000, event);
    for (const auto& field : fields) line += fmt::format(" {}={}", field.key, field.value);
    trace_(line);
  }
  bool enabled(LogLevel) const override { return trace_ != nullptr; }

 private:
  net::SimNetwork& network_;
  std::function<void(const std::string&)> trace_;
};

SimProxy::SimProxy(const RunPlan& plan, net::SimNetwork& network, Ledger& ledger,
                   std::function<void(const std::string&)> trace)
    : network_(network),
      ledger_(ledger),
      keeps_idle_servers_(plan.route_limits.min_idle > 0),
      log_(std::make_unique<TraceLog>(network, std::move(trace))) {
  proxy::Process::Wiring wiring{.log = *log_, .jitter_seed = network.random().next()};
  network.random().fill(wiring.process_secret);
  if (plan.client_tls) wiring.client_tls = net::make_self_signed_tls("tidegate").value();
  auto made = proxy::Process::make(make_config(plan, network),
                                   static_cast<std::size_t>(plan.workers), wiring);
  TG_CHECK(made.has_value());
  process_ = std::move(*made);
  listener_ = std::make_shared<net::SimListener>(network, proxy_address());
  for (int i = 0; i < plan.workers; ++i) {
    Lane lane;
    lane.reactor = std::make_unique<net::SimReactor>(network, worker_address(i));
    lane.worker = std::make_unique<proxy::Worker>(*process_, static_cast<proxy::WorkerIndex>(i),
                                                  *lane.reactor);
    lane.watch = std::make_unique<Watch>(*this, *lane.worker);
    lane.reactor->set_turn_handler(lane.watch.get());
    lanes_.push_back(std::move(lane));
  }
  for (auto& lane : lanes_) {
    lane.accepting = lane.reactor->accept_from(listener_, lane.worker.get());
  }
}

SimProxy::~SimProxy() {
  for (auto& lane : lanes_) lane.worker.reset();
}

bool SimProxy::Watch::settle() {
  const bool more = worker_.settle();
  proxy_.check_pools();
  return more;
}

// The pool answers every event at once, so at no time may somebody wait beside an idle server of
// the same route.
void SimProxy::check_pools() {
  for (const auto& route : process_->routes().all()) {
    route->upstream().with_pool([&](pool::Pool& pool) {
      const auto counts = pool.counts(route->id());
      if (counts.waiting > 0 && counts.idle > 0) {
        ledger_.finding(fmt::format("{} wait for {}/{} beside {} idle servers", counts.waiting,
                                    route->database(), route->user(), counts.idle));
      }
    });
  }
  for (const auto& upstream : process_->routes().upstreams()) {
    upstream->with_pool([&](pool::Pool& pool) {
      if (pool.total_servers() > pool.limits().budget) ledger_.finding("the pool is over budget");
    });
  }
}

void SimProxy::look_over() {
  network_.run_until(network_.now() + kRestTime);
  check_no_clients_left();
  if (keeps_idle_servers_) return;  // what is closed is opened again
  for (auto& lane : lanes_) {
    lane.reactor->post([&lane] { lane.worker->close_servers(); });
  }
  network_.run_until(network_.now() + kRestTime);
  check_no_servers_left();
}

void SimProxy::check_no_clients_left() {
  if (process_->clients().count() != 0) {
    ledger_.finding(fmt::format("{} clients are still counted", process_->clients().count()));
  }
  for (auto& lane : lanes_) {
    if (lane.worker->client_count() != 0) {
      ledger_.finding(fmt::format("a worker still has {} clients", lane.worker->client_count()));
    }
    if (lane.reactor->blocks().in_use() != 0) {
      ledger_.finding(fmt::format("{} blocks are still in use", lane.reactor->blocks().in_use()));
    }
    // One for each pool at most: when it wants to look again.
    if (lane.reactor->timer_count() > lane.worker->gates().size()) {
      ledger_.finding(fmt::format("{} timers are left", lane.reactor->timer_count()));
    }
  }
  for (const auto& route : process_->routes().all()) {
    const auto counts = route->upstream().with_pool([&](pool::Pool& pool) {
      pool.check_invariants();
      return pool.counts(route->id());
    });
    if (counts.held != 0 || counts.waiting != 0) {
      ledger_.finding(fmt::format("{}/{}: {} servers are held and {} clients wait, without clients",
                                  route->database(), route->user(), counts.held, counts.waiting));
    }
  }
}

void SimProxy::check_no_servers_left() {
  for (const auto& upstream : process_->routes().upstreams()) {
    const int left = upstream->with_pool([](pool::Pool& pool) { return pool.total_servers(); });
    if (left != 0) ledger_.finding(fmt::format("{} servers are left after closing", left));
  }
  for (auto& lane : lanes_) {
    const auto left = lane.reactor->stream_count() + lane.reactor->lingering_count();
    if (left != 0) ledger_.finding(fmt::format("{} streams are left after closing", left));
  }
}

}  // namespace tidegate::sim
