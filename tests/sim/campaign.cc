#include "sim/campaign.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "sim/planting.h"
#include "sim/sim_run.h"

namespace tidegate::sim {

namespace {

// For the last words of a check that fails: which run it was.
std::uint64_t seed_under_way = 0;
void say_seed() {
  fmt::print(stderr, "  in the simulation of seed {}: script/sim --seed {}\n", seed_under_way,
             seed_under_way);
}

struct Sums {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  RunResult all;

  void add(const RunResult& result);
};

template <typename Array>
void add_counts(Array& to, const Array& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void Sums::add(const RunResult& result) {
  ++runs;
  if (!result.findings.empty()) ++failed;
  events += result.events;
  add_counts(all.network_faults, result.network_faults);
  add_counts(all.server_faults, result.server_faults);
  add_counts(all.clients.habits, result.clients.habits);
  add_counts(all.clients.whims, result.clients.whims);
  all.clients.logins += result.clients.logins;
  all.clients.transactions += result.clients.transactions;
  all.clients.exchanges += result.clients.exchanges;
  all.clients.cancelled += result.clients.cancelled;
  all.server_logins += result.server_logins;
  all.server_cancels += result.server_cancels;
  all.lasted += result.lasted;
  for (const auto& [code, count] : result.clients.excused) all.clients.excused[code] += count;
  for (const auto& [message, count] : result.deaths) all.deaths[message] += count;
}

template <typename Names, typename Counts>
int print_counts(const char* title, const Names& names, const Counts& counts) {
  fmt::print("{}:\n ", title);
  int never = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    fmt::print(" {} {}", names[i], counts[i]);
    if (counts[i] == 0) ++never;
  }
  fmt::print("\n");
  return never;
}

// Gives how many kinds of fault never fired.
int print_sums(const Sums& sums, double seconds) {
  const auto& all = sums.all;
  fmt::print("{} runs, {} with findings; {} transactions, {} exchanges, {} logins, {} cancelled\n",
             sums.runs, sums.failed, all.clients.transactions, all.clients.exchanges,
             all.clients.logins, all.clients.cancelled);
  fmt::print("servers: {} logins, {} cancel requests; {} events, {:.0f} simulated s in {:.1f} s\n",
             all.server_logins, all.server_cancels, sums.events,
             std::chrono::duration<double>(all.lasted).count(), seconds);
  int never = print_counts("network faults", net::kSimFaultNames, all.network_faults);
  never += print_counts("server faults", kServerFaultNames, all.server_faults);
  never += print_counts("client whims", kWhimNames, all.clients.whims);
  never += print_counts("habits", kHabitNames, all.clients.habits);
  fmt::print("server deaths by message (^ login, - idle):\n ");
  for (const auto& [message, count] : all.deaths) fmt::print(" {} {}", message, count);
  fmt::print("\nerrors that the faults excuse:\n ");
  for (const auto& [code, count] : all.clients.excused) fmt::print(" {} {}", code, count);
  fmt::print("\n");
  return never;
}

std::vector<std::uint64_t> seeds_of(const CampaignOptions& options) {
  std::vector<std::uint64_t> seeds;
  if (options.seeds_file.empty()) {
    for (std::uint64_t i = 0; i < options.runs; ++i) seeds.push_back(options.seed + i);
    return seeds;
  }
  std::ifstream file(options.seeds_file);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') seeds.push_back(std::stoull(line));
  }
  return seeds;
}

RunResult run_seed(std::uint64_t seed, const CampaignOptions& options) {
  seed_under_way = seed;
  auto plan = RunPlan::draw(seed);
  plan.direct = options.direct;
  Trace trace;
  if (options.trace) trace = [](const std::string& line) { fmt::print("{}\n", line); };
  auto result = run(plan, trace);
  if (options.twice) {
    const auto again = run(plan);
    if (again.trace != result.trace || again.events != result.events) {
      result.findings.push_back("two runs of this seed differ");
    }
  }
  return result;
}

void print_findings(std::uint64_t seed, const RunResult& result, const CampaignOptions& options) {
  fmt::print("seed {}: {} findings\n", seed, result.findings.size());
  for (const auto& finding : result.findings) fmt::print("  - {}\n", finding);
  fmt::print("  replay: script/sim --seed {}{}{}\n", seed, options.direct ? " --direct" : "",
             options.plant.empty() ? "" : " --plant " + options.plant);
  std::fflush(stdout);
}

}  // namespace

int run_campaign(const CampaignOptions& options) {
  if (!options.plant.empty() && !plant_by_name(options.plant)) {
    fmt::print("no planted bug `{}` in this build\n", options.plant);
    return 2;
  }
  set_last_words(say_seed);
  const auto start = std::chrono::steady_clock::now();
  Sums sums;
  for (const auto seed : seeds_of(options)) {
    const auto result = run_seed(seed, options);
    sums.add(result);
    if (!result.findings.empty())
      print_findings(seed, result, options);
    else if (options.verbose)
      fmt::print("seed {}: fine, trace {:016x}\n", seed, result.trace);
    if (!options.plant.empty() && sums.failed > 0) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const int never = print_sums(sums, took.count());
  if (!options.plant.empty()) {
    fmt::print("planted `{}`: {}\n", options.plant, sums.failed > 0 ? "found" : "NOT FOUND");
    return sums.failed > 0 ? 0 : 1;
  }
  constexpr std::uint64_t kCampaignRuns = 200;
  if (sums.runs >= kCampaignRuns && !options.direct && never > 0) {
    fmt::print("{} kinds of fault never fired in this campaign\n", never);
    return 1;
  }
  return sums.failed > 0 ? 1 : 0;
}

}  // namespace tidegate::sim
