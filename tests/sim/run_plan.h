// What one run is made of, drawn from its seed: how many of everything, which sizes, which plagues.
#pragma once

#include <cstdint>

#include "net/sim_faults.h"
#include "pool/pool.h"
#include "sim/server_faults.h"
#include "sim/workload.h"

namespace tidegate::sim {

struct RunPlan {
  std::uint64_t seed = 0;
  bool direct = false;  // clients straight to the servers, no proxy in between
  int workers = 3;
  int clients = 50;
  int transactions = 2000;
  int users = 2;
  int databases = 2;  // of one upstream
  int upstreams = 1;
  bool client_tls = false;
  bool client_password = false;
  bool calm = false;
  unsigned whim_percent = 5;
  int depth_max = 4;
  int session_transactions_max = 40;
  int server_statements_max = 200;
  HabitWeights habits{};
  pool::UpstreamLimits upstream_limits;
  pool::RouteLimits route_limits;
  ServerOptions server;
  net::SimFaultMenu network_faults{};

  static RunPlan draw(std::uint64_t seed);
};

}  // namespace tidegate::sim
