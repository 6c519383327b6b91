// What one run is made of, drawn from its seed: how many of everything, which sizes, which plagues.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hold.h"
#include "net/sim_faults.h"
#include "net/tls.h"
#include "pool/pool.h"
#include "sim/scenarios.h"
#include "sim/server_faults.h"
#include "sim/workload.h"

namespace tidegate::sim {

// A database as clients name it: a route for each user, all on one upstream.
struct DatabasePlan {
  int upstream = 0;
  PoolMode mode = PoolMode::transaction;
  int clients_max = 0;
  pool::RouteLimits limits;
};

// The hosts of every upstream.
struct HostsPlan {
  int living = 1;
  bool dead = false;     // one more, which refuses
  bool silent = false;   // one more, which never answers
  bool unknown = false;  // one more, without an address
};

// The process leaves when the clients have begun so many transactions, and after a while another
// one listens in its place.
struct LeavePlan {
  std::uint64_t at_transaction = 0;
  Duration shutdown_timeout{0};  // 0 = as long as transactions take
  Duration away{0};
};

// How clients prove who they are.
enum class ClientAuth : std::uint8_t { trust, cleartext, md5, scram };

struct RunPlan {
  std::uint64_t seed = 0;
  bool direct = false;  // clients straight to the servers, no proxy in between
  int workers = 3;
  int clients = 50;
  int transactions = 2000;
  int users = 2;
  int upstreams = 1;
  std::vector<DatabasePlan> databases;
  HostsPlan hosts;
  std::vector<LeavePlan> leaves;  // in their order
  net::SslMode client_tls = net::SslMode::disable;
  net::SslMode server_tls = net::SslMode::prefer;  // the upstream's sslmode
  ClientAuth client_auth = ClientAuth::trust;
  int user_clients_max = 0;
  int clients_max = 0;
  bool calm = false;
  unsigned whim_percent = 5;
  int depth_max = 4;
  int session_transactions_max = 40;
  int server_statements_max = 200;
  HabitWeights habits{};
  pool::UpstreamLimits upstream_limits;
  ServerOptions server;
  net::SimFaultMenu network_faults{};

  static RunPlan draw(std::uint64_t seed);

  bool may_strike(net::SimFault fault) const {
    return network_faults[static_cast<std::size_t>(fault)] > 0;
  }
  bool may_strike(ServerFault fault) const {
    return server.menu[static_cast<std::size_t>(fault)] > 0;
  }
  // A login may be refused because there are too many clients.
  bool places_limited() const;
  // Longer than any client may have to stand in a queue.
  Duration patience() const;
  // How long a client may think, perhaps in a transaction: it must not have the only server for
  // long.
  Duration think_max() const;
  // Those that follow from the plan; that a process left is known only when it did.
  ScenarioCounts scenarios() const;
};

}  // namespace tidegate::sim
