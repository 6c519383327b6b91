#include "sim/sim_proxy.h"

#include <fmt/format.h>

#include "auth/md5.h"
#include "auth/scram.h"
#include "base/check.h"
#include "net/tls.h"
#include "pool/sizing.h"
#include "proxy/client.h"
#include "proxy/pool_gate.h"
#include "proxy/server.h"
#include "sim/places.h"

namespace tidegate::sim {

namespace {

constexpr Duration kSilentConnectTimeout = 2s;
constexpr std::uint32_t kVerifierIterations = 16;
// First come, first served: while one client waits, each other one comes before him once, or a
// second time by overtaking or because its server died. Twice that is none of these.
constexpr std::uint64_t kRoundsMax = 4;
// Longer than a server takes that was given to somebody and has to be verified first.
constexpr Duration kLongWait = 20s;

// Longer than the pool may leave a route without any server while another one's are idle: once the
// eviction is due, a login that takes its time, and one that is already on its way.
constexpr Duration kStrandedMax = 15s;

config::Upstream make_upstream(const RunPlan& plan, int index, net::SimNetwork& network) {
  config::Upstream upstream;
  upstream.name = fmt::format("upstream{}", index);
  const auto add = [&](std::string host, std::vector<net::Address> addresses) {
    if (!addresses.empty()) network.set_host(host, std::move(addresses));
    upstream.hosts.push_back({std::move(host), 5432});
  };
  const auto dead = server_address(index, kDeadHost);
  const auto silent = server_address(index, kSilentHost);
  if (plan.hosts.unknown) add(fmt::format("unknown{}.sim", index), {});
  for (int i = 0; i < plan.hosts.living; ++i) {
    std::vector<net::Address> addresses{server_address(index, i)};
    if (plan.hosts.dead && i == 0) addresses.push_back(dead);
    add(fmt::format("database{}-{}.sim", index, i), std::move(addresses));
  }
  if (plan.hosts.dead) add(fmt::format("dead{}.sim", index), {dead});
  if (plan.hosts.silent) {
    network.swallow(silent);
    add(fmt::format("silent{}.sim", index), {silent});
    upstream.connect_timeout = kSilentConnectTimeout;
  }
  upstream.ssl_mode = plan.server_tls;
  upstream.limits = plan.upstream_limits;
  upstream.close_timeout = plan.server.close_grace;
  return upstream;
}

// What the configuration knows of a password: itself, or what was made of it where no server asks
// for it.
std::string secret_of(const RunPlan& plan, const std::string& user) {
  const auto password = password_of(user);
  if (plan.server.auth != ServerAuth::trust || plan.seed % 2 == 0) return password;
  if (plan.client_auth == ClientAuth::md5) return auth::md5_stored(user, password);
  if (plan.client_auth != ClientAuth::scram) return password;
  const std::string salt = "salt of " + user;
  return auth::make_scram_verifier(password, as_bytes(salt), kVerifierIterations).text();
}

config::AuthType auth_type(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::trust:
    case ClientAuth::scram:
      return config::AuthType::any_stored;
    case ClientAuth::md5:
      return config::AuthType::md5;
    case ClientAuth::cleartext:
      return config::AuthType::cleartext;
  }
  return config::AuthType::any_stored;
}

config::Config make_config(const RunPlan& plan, net::SimNetwork& network) {
  config::Config config;
  config.workers = plan.workers;
  config.clients_max = plan.clients_max > 0 ? plan.clients_max : config.clients_max;
  config.client_ssl_mode = plan.client_tls;
  config.auth_type = auth_type(plan.client_auth);
  config.cleartext_over_plain = true;
  config.log_connections = false;
  config.client_login_timeout = plan.patience();
  for (int i = 0; i < plan.users; ++i) {
    const auto name = fmt::format("user{}", i);
    config.users.push_back({.name = name,
                            .secret = secret_of(plan, name),
                            .trust = plan.client_auth == ClientAuth::trust,
                            .clients_max = plan.user_clients_max});
  }
  for (int i = 0; i < plan.upstreams; ++i) {
    config.upstreams.push_back(make_upstream(plan, i, network));
  }
  for (std::size_t i = 0; i < plan.databases.size(); ++i) {
    const auto& database = plan.databases[i];
    config::Route route;
    route.database = fmt::format("db{}", i);
    route.upstream = fmt::format("upstream{}", database.upstream);
    route.limits = database.limits;
    route.rules.mode = database.mode;
    route.rules.server_statements_max = plan.server_statements_max;
    route.clients_max = database.clients_max;
    config.routes.push_back(route);
  }
  return config;
}

// How many timers a worker without clients may have: one for each pool, when it wants to look
// again, and one for each server that is just being opened or closed.
std::size_t timers_due(proxy::Worker& worker) {
  std::size_t due = worker.gates().size();
  for (const auto& gate : worker.gates()) {
    for (const auto& [key, server] : gate->servers()) {
      if (server->state() != proxy::Server::State::idle) ++due;
    }
  }
  return due;
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
      served_max_(kRoundsMax * static_cast<std::uint64_t>(plan.clients)),
      calm_(plan.calm),
      places_limited_(plan.places_limited()),
      log_(std::make_unique<TraceLog>(network, std::move(trace))) {
  proxy::Process::Wiring wiring{.log = *log_, .jitter_seed = network.random().next()};
  network.random().fill(wiring.process_secret);
  if (plan.client_tls != net::SslMode::disable) {
    wiring.client_tls = net::make_self_signed_tls("tidegate").value();
  }
  auto made = proxy::Process::make(make_config(plan, network),
                                   static_cast<std::size_t>(plan.workers), wiring);
  TG_CHECK(made.has_value());
  process_ = std::move(*made);
  listener_ = std::make_shared<net::SimListener>(network, proxy_address());
  for (int i = 0; i < plan.workers; ++i) {
    auto& lane = *lanes_.emplace_back(std::make_unique<Lane>());
    lane.reactor = std::make_unique<net::SimReactor>(network, worker_address(i));
    lane.worker = std::make_unique<proxy::Worker>(*process_, static_cast<proxy::WorkerIndex>(i),
                                                  *lane.reactor);
    lane.watch = std::make_unique<Watch>(*this, lane);
    lane.reactor->set_turn_handler(lane.watch.get());
  }
  for (auto& lane : lanes_) {
    lane->accepting = lane->reactor->accept_from(listener_, lane->worker.get());
  }
}

SimProxy::~SimProxy() {
  for (auto& lane : lanes_) lane->worker.reset();
}

// --- Leaving ---

void SimProxy::leave() {
  process_->leave();
  listener_.reset();  // the workers hold it until they stop
  for (auto& lane : lanes_) {
    lane->reactor->post([lane = lane.get()] {
      lane->reactor->stop_accepting(lane->accepting);
      lane->worker->dismiss_all();
      lane->leaving = true;
    });
  }
}

bool SimProxy::clients_are_gone() const {
  return process_->clients().count() == 0;
}

void SimProxy::close_servers() {
  for (auto& lane : lanes_) {
    lane->reactor->post([lane = lane.get()] { lane->worker->close_servers(); });
  }
}

std::size_t SimProxy::last_words_left() const {
  std::size_t left = 0;
  for (const auto& lane : lanes_) left += lane->reactor->lingering_count();
  return left;
}

int SimProxy::servers_left() const {
  int left = 0;
  for (const auto& upstream : process_->routes().upstreams()) {
    left += upstream->with_pool([](pool::Pool& pool) { return pool.total_servers(); });
  }
  return left;
}

// --- After every turn ---

bool SimProxy::Watch::settle() {
  const bool more = lane_.worker->settle();
  proxy_.check_pools();
  if (more) return more;
  proxy_.check_stranded();
  proxy_.check_waiters();
  proxy_.check_order();
  proxy_.check_clients();
  proxy_.check_rest(lane_);
  return more;
}

// Whoever the pools think waits does wait. (Not the other way round: an answer may be on its way
// to another worker.)
void SimProxy::check_waiters() {
  int believed = 0;
  for (const auto& route : process_->routes().all()) {
    believed += route->upstream().with_pool(
        [&](pool::Pool& pool) { return pool.counts(route->id()).waiting; });
  }
  int waiting = 0;
  for (auto& lane : lanes_) {
    lane->worker->clients().for_each([&](proxy::ClientId, proxy::Client& client) {
      waiting += client.state() == proxy::Client::State::waiting;
    });
  }
  if (believed > waiting) {
    ledger_.finding(fmt::format("{} clients wait, and the pools believe {}", waiting, believed));
  }
}

// The pool answers every event at once, so at no time may somebody wait beside an idle server of
// the same route.
void SimProxy::check_pools() {
  for (const auto& route : process_->routes().all()) {
    route->upstream().with_pool([&](pool::Pool& pool) { check_route(*route, pool); });
  }
  for (const auto& upstream : process_->routes().upstreams()) {
    int opening = 0, pins = 0;
    for (const auto& route : process_->routes().all()) {
      if (&route->upstream() != upstream.get()) continue;
      const auto counts =
          upstream->with_pool([&](pool::Pool& pool) { return pool.counts(route->id()); });
      opening += counts.opening;
      const bool bounded = route->spec().limits.pins_max == 0;
      if (bounded) pins += counts.held_by_kind[static_cast<int>(HoldKind::pin)];
    }
    upstream->with_pool([&](pool::Pool& pool) {
      if (pool.total_servers() > pool.limits().budget) ledger_.finding("the pool is over budget");
      if (opening > pool.limits().opening_max) ledger_.finding("too many logins at once");
      if (pins > pool::pins_max(pool.limits())) ledger_.finding("pins leave nothing of the budget");
    });
  }
}

void SimProxy::check_route(const proxy::Route& route, pool::Pool& pool) {
  const auto counts = pool.counts(route.id());
  const auto& limits = route.spec().limits;
  const auto found = [&](std::string_view what) {
    ledger_.finding(fmt::format("{}/{}: {} ({} wait, {} idle, {} held, {} opening, {} closing)",
                                route.database(), route.user(), what, counts.waiting, counts.idle,
                                counts.held, counts.opening, counts.closing));
  };
  if (counts.waiting > 0 && counts.idle > 0) found("clients wait beside idle servers");
  const int size = counts.idle + counts.held + counts.opening + counts.closing;
  const int size_max = limits.pool_size + limits.max_overflow;
  if (size > size_max) found("more servers than pool_size and max_overflow");
  // Those whose server died come back to the queue although it is full.
  if (counts.waiting > limits.queue_max + size_max) found("more clients wait than queue_max");
  const int pins = counts.held_by_kind[static_cast<int>(HoldKind::pin)];
  if (pins > pool::pins_max(limits)) found("more pins than pins_max");
}

// Nor may a route that has no server at all wait long while servers of others are idle, or while
// there is room for one more. Where logins fail that can take any time, so only calm runs tell.
void SimProxy::check_stranded() {
  if (!calm_) return;
  const auto routes = process_->routes().all();
  for (const auto& route : routes) {
    int idle = 0;
    bool stranded = false;
    route->upstream().with_pool([&](pool::Pool& pool) {
      const auto own = pool.counts(route->id());
      stranded = own.waiting > 0 && own.idle + own.held + own.opening + own.closing == 0;
      if (!stranded) return;
      for (const auto& other : routes) {
        if (&other->upstream() == &route->upstream()) idle += pool.counts(other->id()).idle;
      }
      stranded = idle > 0 || pool.total_servers() < pool.limits().budget;
    });
    auto& since = stranded_since_.try_emplace(route.get(), Instant::never()).first->second;
    if (!stranded) {
      since = Instant::never();
    } else if (since.is_never()) {
      since = network_.now();
    } else if (network_.now() - since > kStrandedMax) {
      ledger_.finding(fmt::format("{}/{} has no server, and {} of others are idle",
                                  route->database(), route->user(), idle));
    }
  }
}

// Counted by looking at every client, not by the counters that admit them.
void SimProxy::check_clients() {
  if (!places_limited_) return;
  const auto& config = process_->config();
  std::map<std::string_view, int> by_user, by_database;
  int admitted_clients = 0;
  for (auto& lane : lanes_) {
    lane->worker->clients().for_each([&](proxy::ClientId, proxy::Client& client) {
      const auto state = client.state();
      const bool admitted = client.route() != nullptr && state != proxy::Client::State::ending;
      if (!admitted) return;
      ++admitted_clients;
      ++by_user[client.user()];
      ++by_database[client.database()];
    });
  }
  if (admitted_clients > config.clients_max) {
    ledger_.finding(fmt::format("the process has {} clients", admitted_clients));
  }
  for (const auto& user : config.users) {
    if (user.clients_max > 0 && by_user[user.name] > user.clients_max) {
      ledger_.finding(fmt::format("{} has {} clients", user.name, by_user[user.name]));
    }
  }
  for (const auto& route : config.routes) {
    const int clients = by_database[route.database];
    if (route.clients_max > 0 && clients > route.clients_max) {
      ledger_.finding(fmt::format("{} has {} clients", route.database, clients));
    }
  }
}

// Who is at rest when the process leaves is dismissed, at once or in the turn that brings the rest.
void SimProxy::check_rest(Lane& lane) {
  if (!lane.leaving) return;
  lane.worker->clients().for_each([&](proxy::ClientId, proxy::Client& client) {
    if (client.at_rest()) ledger_.finding("a client at rest is not dismissed");
  });
}

void SimProxy::check_order() {
  for (const auto& route : process_->routes().all()) {
    auto& line = lines_[route.get()];
    const Instant oldest = oldest_wait(*route);
    const auto served = served_by(*route);
    if (oldest.is_never() || oldest != line.oldest) {
      line = {oldest, served};
    } else if (served - line.served > served_max_ && network_.now() - oldest > kLongWait) {
      ledger_.finding(fmt::format("one waits for {}/{}, and {} were served meanwhile",
                                  route->database(), route->user(), served - line.served));
    }
  }
}

Instant SimProxy::oldest_wait(const proxy::Route& route) {
  Instant oldest = Instant::never();
  for (auto& lane : lanes_) {
    lane->worker->clients().for_each([&](proxy::ClientId, proxy::Client& client) {
      const bool waits = client.state() == proxy::Client::State::waiting;
      if (waits && client.route().get() == &route) oldest = std::min(oldest, client.wait_since());
    });
  }
  return oldest;
}

std::uint64_t SimProxy::served_by(proxy::Route& route) const {
  std::uint64_t served = 0;
  for (auto& lane : lanes_) served += route.traffic(lane->worker->index()).assignments;
  return served;
}

// --- When all is over ---

void SimProxy::check_no_clients_left() {
  if (process_->clients().count() != 0) {
    ledger_.finding(fmt::format("{} clients are still counted", process_->clients().count()));
  }
  for (auto& lane : lanes_) {
    if (lane->worker->client_count() != 0) {
      ledger_.finding(fmt::format("a worker still has {} clients", lane->worker->client_count()));
    }
    if (lane->reactor->blocks().in_use() != 0) {
      ledger_.finding(fmt::format("{} blocks are still in use", lane->reactor->blocks().in_use()));
    }
    if (lane->reactor->timer_count() > timers_due(*lane->worker)) {
      ledger_.finding(fmt::format("{} timers are left", lane->reactor->timer_count()));
    }
  }
  for (const auto& user : process_->config().users) {
    if (process_->secrets().place(user.name)->clients.count() != 0) {
      ledger_.finding("a place of " + user.name + " is still taken");
    }
  }
  for (const auto& route : process_->routes().all()) {
    if (route->clients().count() != 0) {
      ledger_.finding("a place of " + route->database() + " is still taken");
    }
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
    const auto left = lane->reactor->stream_count() + lane->reactor->lingering_count();
    if (left != 0) ledger_.finding(fmt::format("{} streams are left after closing", left));
  }
}

}  // namespace tidegate::sim
