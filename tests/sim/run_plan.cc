#include "sim/run_plan.h"

#include <algorithm>

namespace tidegate::sim {

namespace {

// Chances in 10,000 when a plague is on. Those of the weather are per simulated 10 ms.
std::uint16_t usual_chance(net::SimFault fault) {
  switch (fault) {
    case net::SimFault::split_segment:
      return 2000;
    case net::SimFault::coalesced:
      return 500;
    case net::SimFault::short_read:
      return 1500;
    case net::SimFault::short_write:
      return 500;
    case net::SimFault::narrow_buffer:
      return 500;
    case net::SimFault::slow_connect:
      return 500;
    case net::SimFault::connect_refused:
      return 500;
    case net::SimFault::connect_timeout:
      return 100;
    case net::SimFault::link_reset:
      return 100;
    case net::SimFault::clog:
      return 200;
    case net::SimFault::out_of_descriptors:
      return 200;
    case net::SimFault::dns_failure:
      return 1000;
    case net::SimFault::wall_jump:
      return 20;
    case net::SimFault::time_leap:
      return 5;
    case net::SimFault::worker_stall:
      return 5;
    case net::SimFault::tls_failure:
      return 300;
    case net::SimFault::count_:
      break;
  }
  return 0;
}

std::uint16_t usual_chance(ServerFault fault) {
  switch (fault) {
    case ServerFault::death_before:
      return 20;
    case ServerFault::death_after:
      return 10;
    case ServerFault::death_in_reply:
      return 15;
    case ServerFault::death_at_login:
      return 200;  // at each step
    case ServerFault::death_at_cancel:
      return 2000;
    case ServerFault::death_idle:
      return 300;
    case ServerFault::restart:
      return 20;
    case ServerFault::start_refused:
      return 500;
    case ServerFault::too_many_clients:
      return 300;
    case ServerFault::login_denied:
      return 100;
    case ServerFault::tls_refused:
      return 300;
    case ServerFault::tls_error:
      return 200;
    case ServerFault::slow_login:
      return 500;
    case ServerFault::slow_statement:
      return 50;
    case ServerFault::slow_cancel:
      return 3000;
    case ServerFault::odd_notice:
      return 500;
    case ServerFault::odd_parameter:
      return 500;
    case ServerFault::count_:
      break;
  }
  return 0;
}

// Faults that a session does not survive, or that refuse it one.
bool harmless(net::SimFault fault) {
  return fault == net::SimFault::split_segment || fault == net::SimFault::coalesced ||
         fault == net::SimFault::short_read || fault == net::SimFault::short_write ||
         fault == net::SimFault::narrow_buffer || fault == net::SimFault::clog ||
         fault == net::SimFault::wall_jump || fault == net::SimFault::worker_stall;
}
bool harmless(ServerFault fault) {
  return fault == ServerFault::slow_login || fault == ServerFault::slow_statement ||
         fault == ServerFault::slow_cancel || fault == ServerFault::odd_notice ||
         fault == ServerFault::odd_parameter;
}

template <typename Fault, typename Menu>
void draw_menu(net::SimRandom& random, bool calm, unsigned percent, Menu& menu) {
  for (std::size_t i = 0; i < menu.size(); ++i) {
    const auto fault = static_cast<Fault>(i);
    const bool on = random.percent(percent) && (!calm || harmless(fault));
    menu[i] = on ? usual_chance(fault) : 0;
  }
}

// Sizes of one database's routes. Some have room for everybody, some for hardly anybody.
pool::RouteLimits draw_route(net::SimRandom& random, const RunPlan& plan, PoolMode mode) {
  pool::RouteLimits route;
  // A session keeps its server for long: with one server the run would be all waiting.
  const int size_min = mode == PoolMode::session ? 3 : 1;
  route.pool_size = static_cast<int>(random.between(size_min, plan.upstream_limits.budget));
  route.max_overflow = random.one_in(3) ? static_cast<int>(random.between(1, 5)) : 0;
  route.min_idle = random.one_in(5) ? static_cast<int>(random.between(1, 2)) : 0;
  route.lifo = !random.one_in(3);
  route.pre_ping = !random.one_in(4);
  route.ping_after = random.one_in(2) ? Duration{50ms} : Duration{30s};
  route.idle_timeout = random.one_in(3) ? Duration{1s} : Duration{600s};
  route.recycle = random.one_in(3) ? Duration{3s} : Duration{3600s};
  route.pins_max = 0;
  if (plan.calm) {
    route.pool_timeout = 3600s;
    route.shed = false;
    route.pins_max = route.pool_size + route.max_overflow;
    return route;
  }
  route.pool_timeout = random.one_in(3) ? Duration{500ms} : Duration{30s};
  route.queue_max = random.one_in(5) ? 10 : 10000;
  route.shed = !random.one_in(3);
  route.shed_target = 500ms;
  return route;
}

PoolMode draw_mode(net::SimRandom& random) {
  if (random.one_in(8)) return PoolMode::session;
  return random.one_in(8) ? PoolMode::statement : PoolMode::transaction;
}

void draw_databases(net::SimRandom& random, RunPlan& plan) {
  plan.upstreams = static_cast<int>(random.between(1, 2));
  for (auto left = random.between(1, 3); left > 0; --left) {
    DatabasePlan database;
    database.upstream = static_cast<int>(plan.databases.size()) % plan.upstreams;
    database.mode = draw_mode(random);
    database.limits = draw_route(random, plan, database.mode);
    if (random.one_in(8)) database.clients_max = static_cast<int>(random.between(5, 30));
    plan.databases.push_back(database);
  }
}

// Whoever is forgotten in the queue then waits until the run is judged to be stuck, where a timeout
// would let him go with an error that the faults excuse.
void be_patient(RunPlan& plan) {
  for (auto& database : plan.databases) {
    database.limits.pool_timeout = 3600s;
    database.limits.shed = false;
  }
}

void draw_clients(net::SimRandom& random, RunPlan& plan) {
  plan.clients = static_cast<int>(random.between(50, 70));
  plan.transactions = static_cast<int>(random.between(2000, 2400));
  plan.users = static_cast<int>(random.between(1, 3));
  plan.whim_percent = static_cast<unsigned>(random.between(0, 12));
  plan.depth_max = static_cast<int>(random.between(1, 8));
  plan.session_transactions_max = random.one_in(4) ? 3 : 40;
  plan.habits = draw_habits(random);
  if (random.one_in(3)) plan.client_tls = net::SslMode::allow;
  if (random.one_in(8)) plan.client_tls = net::SslMode::require;
  static constexpr ClientAuth kAuths[] = {ClientAuth::trust, ClientAuth::trust,
                                          ClientAuth::trust, ClientAuth::scram,
                                          ClientAuth::md5,   ClientAuth::cleartext};
  plan.client_auth = kAuths[random.below(std::size(kAuths))];
  if (random.one_in(8)) plan.user_clients_max = static_cast<int>(random.between(10, 30));
  if (random.one_in(8)) plan.clients_max = static_cast<int>(random.between(20, 45));
}

void draw_servers(net::SimRandom& random, RunPlan& plan) {
  auto& server = plan.server;
  server.statement_time_max = random.one_in(4) ? Duration{5ms} : Duration{300us};
  static constexpr ServerAuth kAuths[] = {ServerAuth::trust, ServerAuth::scram, ServerAuth::scram,
                                          ServerAuth::md5, ServerAuth::cleartext};
  server.auth = kAuths[random.below(std::size(kAuths))];
  server.tls = random.one_in(3);
  plan.server_tls = random.one_in(6) ? net::SslMode::disable : net::SslMode::prefer;
  // A password in clear goes through TLS only.
  if (server.auth == ServerAuth::cleartext || random.one_in(8)) {
    server.tls = true;
    plan.server_tls = net::SslMode::require;
  }
  plan.server_statements_max = random.one_in(3) ? 3 : 200;
  plan.hosts.living = random.one_in(4) ? 2 : 1;
  plan.hosts.dead = random.one_in(5);
  plan.hosts.unknown = random.one_in(8);
  plan.hosts.silent = !plan.calm && random.one_in(10);
}

void draw_leaves(net::SimRandom& random, RunPlan& plan) {
  std::int64_t at = 0;
  for (auto left = random.one_in(4) ? random.between(1, 2) : 0; left > 0; --left) {
    LeavePlan leave;
    at += random.between(100, 900);
    leave.at_transaction = static_cast<std::uint64_t>(at);
    leave.shutdown_timeout = random.one_in(3) ? random.between(0ms, 3s) : Duration{0};
    // Longer than the database may still count the sessions of a process that broke off.
    leave.away = leave.shutdown_timeout == Duration{0}
                     ? random.between(0ms, 2s)
                     : plan.server.close_grace + random.between(1s, 3s);
    plan.leaves.push_back(leave);
  }
}

}  // namespace

RunPlan RunPlan::draw(std::uint64_t seed) {
  net::SimRandom random(seed * 2 + 1);
  RunPlan plan;
  plan.seed = seed;
  plan.workers = static_cast<int>(random.between(3, 5));
  plan.calm = random.one_in(4);
  plan.upstream_limits.budget = static_cast<int>(random.between(3, 25));
  plan.upstream_limits.opening_max = static_cast<int>(random.between(1, 8));
  draw_databases(random, plan);
  draw_clients(random, plan);
  draw_servers(random, plan);
  draw_leaves(random, plan);
  const auto percent = static_cast<unsigned>(random.between(10, 60));
  draw_menu<net::SimFault>(random, plan.calm, percent, plan.network_faults);
  draw_menu<ServerFault>(random, plan.calm, percent, plan.server.menu);
  if (!plan.calm && random.one_in(4)) be_patient(plan);
  return plan;
}

bool RunPlan::places_limited() const {
  const auto limited = [](const DatabasePlan& database) { return database.clients_max > 0; };
  return user_clients_max > 0 || clients_max > 0 || std::ranges::any_of(databases, limited);
}

Duration RunPlan::patience() const {
  Duration longest{0};
  for (const auto& database : databases) {
    longest = std::max(longest, database.limits.pool_timeout);
  }
  return longest + Duration{60s};
}

Duration RunPlan::think_max() const {
  const auto has_one_server = [](const DatabasePlan& database) {
    return database.limits.pool_size + database.limits.max_overflow == 1;
  };
  return std::ranges::any_of(databases, has_one_server) ? 2s : 20s;
}

ScenarioCounts RunPlan::scenarios() const {
  ScenarioCounts counts{};
  const auto has = [&](Scenario scenario, bool yes) {
    if (yes) counts[static_cast<std::size_t>(scenario)] = 1;
  };
  has(Scenario::calm, calm);
  has(Scenario::several_hosts, hosts.living > 1);
  has(Scenario::dead_address, hosts.dead);
  has(Scenario::silent_address, hosts.silent);
  has(Scenario::unknown_host, hosts.unknown);
  has(Scenario::server_trust, server.auth == ServerAuth::trust);
  has(Scenario::server_cleartext, server.auth == ServerAuth::cleartext);
  has(Scenario::server_md5, server.auth == ServerAuth::md5);
  has(Scenario::server_scram, server.auth == ServerAuth::scram);
  has(Scenario::server_tls_required, server_tls == net::SslMode::require);
  has(Scenario::client_trust, client_auth == ClientAuth::trust);
  has(Scenario::client_cleartext, client_auth == ClientAuth::cleartext);
  has(Scenario::client_md5, client_auth == ClientAuth::md5);
  has(Scenario::client_scram, client_auth == ClientAuth::scram);
  has(Scenario::client_tls_offered, client_tls == net::SslMode::allow);
  has(Scenario::client_tls_required, client_tls == net::SslMode::require);
  for (const auto& database : databases) {
    has(Scenario::transaction_mode, database.mode == PoolMode::transaction);
    has(Scenario::session_mode, database.mode == PoolMode::session);
    has(Scenario::statement_mode, database.mode == PoolMode::statement);
    has(Scenario::min_idle, database.limits.min_idle > 0);
    has(Scenario::queue_limit, database.limits.queue_max < clients);
    has(Scenario::database_limit, database.clients_max > 0);
  }
  has(Scenario::shared_budget, databases.size() > static_cast<std::size_t>(upstreams));
  has(Scenario::user_limit, user_clients_max > 0);
  has(Scenario::clients_limit, clients_max > 0);
  return counts;
}

}  // namespace tidegate::sim
