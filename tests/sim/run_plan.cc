#include "sim/run_plan.h"

#include "sim/places.h"

namespace tidegate::sim {

namespace {

// Chances in 10,000 when a plague is on. Those of the weather are per simulated 10 ms.
std::uint16_t usual_chance(net::SimFault fault) {
  switch (fault) {
    case net::SimFault::split_segment:
      return 2000;
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
      return 500;
    case ServerFault::death_idle:
      return 300;
    case ServerFault::restart:
      return 20;
    case ServerFault::start_refused:
      return 500;
    case ServerFault::too_many_clients:
      return 300;
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
  return fault == net::SimFault::split_segment || fault == net::SimFault::short_read ||
         fault == net::SimFault::short_write || fault == net::SimFault::narrow_buffer ||
         fault == net::SimFault::clog || fault == net::SimFault::wall_jump ||
         fault == net::SimFault::worker_stall;
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

void draw_pool(net::SimRandom& random, RunPlan& plan) {
  auto& upstream = plan.upstream_limits;
  upstream.budget = static_cast<int>(random.between(3, 25));
  upstream.opening_max = static_cast<int>(random.between(1, 8));
  auto& route = plan.route_limits;
  route.pool_size = static_cast<int>(random.between(1, upstream.budget));
  route.max_overflow = random.one_in(3) ? static_cast<int>(random.between(1, 5)) : 0;
  route.min_idle = random.one_in(4) ? static_cast<int>(random.between(1, 2)) : 0;
  route.lifo = !random.one_in(3);
  route.pre_ping = !random.one_in(4);
  route.ping_after = random.one_in(2) ? Duration{50ms} : Duration{30s};
  route.idle_timeout = random.one_in(3) ? Duration{1s} : Duration{600s};
  route.recycle = random.one_in(3) ? Duration{3s} : Duration{3600s};
  route.pins_max = 0;
  if (plan.calm) {
    route.pool_timeout = 3600s;
    route.shed = false;
    return;
  }
  route.pool_timeout = random.one_in(3) ? Duration{500ms} : Duration{30s};
  route.queue_max = random.one_in(5) ? 10 : 10000;
  route.shed = !random.one_in(3);
}

}  // namespace

RunPlan RunPlan::draw(std::uint64_t seed) {
  net::SimRandom random(seed * 2 + 1);
  RunPlan plan;
  plan.seed = seed;
  plan.workers = static_cast<int>(random.between(3, 5));
  plan.clients = static_cast<int>(random.between(50, 70));
  plan.transactions = static_cast<int>(random.between(2000, 2400));
  plan.users = static_cast<int>(random.between(1, 3));
  plan.databases = static_cast<int>(random.between(1, 3));
  plan.upstreams = static_cast<int>(random.between(1, 2));
  plan.client_tls = random.one_in(4);
  plan.client_password = random.one_in(3);
  plan.calm = random.one_in(4);
  plan.whim_percent = static_cast<unsigned>(random.between(0, 12));
  plan.depth_max = static_cast<int>(random.between(1, 8));
  plan.session_transactions_max = random.one_in(4) ? 3 : 40;
  plan.server_statements_max = random.one_in(3) ? 3 : 200;
  plan.habits = draw_habits(random);
  draw_pool(random, plan);
  const auto percent = static_cast<unsigned>(random.between(10, 60));
  draw_menu<net::SimFault>(random, plan.calm, percent, plan.network_faults);
  draw_menu<ServerFault>(random, plan.calm, percent, plan.server.menu);
  plan.server.statement_time_max = random.one_in(4) ? Duration{5ms} : Duration{300us};
  if (random.one_in(2)) plan.server.password = kPassword;
  plan.server.tls = random.one_in(4);
  return plan;
}

}  // namespace tidegate::sim
