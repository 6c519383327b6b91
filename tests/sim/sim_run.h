// One run of the simulator: a world built from a plan, lived through to its end, and looked over.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/client_world.h"
#include "sim/run_plan.h"

namespace tidegate::sim {

struct RunResult {
  std::uint64_t trace = 0;  // two runs of one seed must agree on it
  std::uint64_t events = 0;
  Duration lasted{0};  // simulated
  std::vector<std::string> findings;
  ClientTotals clients;
  net::SimFaultCounts network_faults{};
  ServerFaultCounts server_faults{};
  DeathCounts deaths{};  // of servers, by the step of the protocol that they died at
  ScenarioCounts scenarios{};
  std::uint64_t server_logins = 0;
  std::uint64_t server_cancels = 0;
};

using Trace = std::function<void(const std::string&)>;
RunResult run(const RunPlan& plan, Trace trace = nullptr);

}  // namespace tidegate::sim
