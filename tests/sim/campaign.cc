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
void say_seed(const void*) {
  fmt::print(stderr, "  in the simulation of seed {}: script/sim --seed {}\n", seed_under_way,
             seed_under_way);
}

// To stderr, so that what is found stands alone on stdout.
constexpr std::chrono::seconds kProgressEvery{5};

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
  all.clients.dismissed += result.clients.dismissed;
  all.clients.exchanges += result.clients.exchanges;
  all.clients.cancelled += result.clients.cancelled;
  all.server_logins += result.server_logins;
  all.server_cancels += result.server_cancels;
  all.lasted += result.lasted;
  for (const auto& [code, count] : result.clients.excused) all.clients.excused[code] += count;
  add_counts(all.deaths, result.deaths);
  add_counts(all.scenarios, result.scenarios);
}

std::array<std::string_view, kDeathStepCount> death_step_names() {
  std::array<std::string_view, kDeathStepCount> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kDeathSteps[i].name;
  return names;
}

// Every kind of thing that a campaign has to see, in groups: visit(title, names, counts).
template <typename Visit>
void each_group(const RunResult& all, Visit visit) {
  visit("network faults", net::kSimFaultNames, all.network_faults);
  visit("server faults", kServerFaultNames, all.server_faults);
  visit("client whims", kWhimNames, all.clients.whims);
  visit("habits", kHabitNames, all.clients.habits);
  visit("server deaths by step", death_step_names(), all.deaths);
  visit("runs by scenario", kScenarioNames, all.scenarios);
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

void print_kinds(const RunResult& result) {
  each_group(result, [](const char*, const auto& names, const auto& counts) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (counts[i] > 0) fmt::print(" {}", names[i]);
    }
  });
  fmt::print("\n");
}

// Gives how many kinds of fault never fired, and of scenario never occurred.
int print_sums(const Sums& sums, double seconds) {
  const auto& all = sums.all;
  fmt::print("{} runs, {} with findings; {} transactions, {} exchanges, {} logins, ", sums.runs,
             sums.failed, all.clients.transactions, all.clients.exchanges, all.clients.logins);
  fmt::print("{} cancelled, {} dismissed\n", all.clients.cancelled, all.clients.dismissed);
  fmt::print("servers: {} logins, {} cancel requests; {} events, {:.0f} simulated s in {:.1f} s\n",
             all.server_logins, all.server_cancels, sums.events,
             std::chrono::duration<double>(all.lasted).count(), seconds);
  int never = 0;
  each_group(all, [&](const char* title, const auto& names, const auto& counts) {
    never += print_counts(title, names, counts);
  });
  fmt::print("errors that the faults excuse:\n ");
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

// Long work says now and then how far it is.
class Progress {
 public:
  explicit Progress(std::size_t runs) : runs_(runs) {}
  void told(const Sums& sums, std::uint64_t seed) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kProgressEvery) return;
    last_ = now;
    fmt::print(stderr, "{} of {} runs, at seed {}, {} with findings\n", sums.runs, runs_, seed,
               sums.failed);
  }

 private:
  std::size_t runs_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

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
  set_last_words(say_seed, nullptr);
  const auto start = std::chrono::steady_clock::now();
  Sums sums;
  const auto seeds = seeds_of(options);
  Progress progress(seeds.size());
  for (const auto seed : seeds) {
    const auto result = run_seed(seed, options);
    sums.add(result);
    progress.told(sums, seed);
    if (!result.findings.empty())
      print_findings(seed, result, options);
    else if (options.verbose)
      fmt::print("seed {}: fine, trace {:016x}:", seed, result.trace), print_kinds(result);
    if (!options.plant.empty() && sums.failed > 0) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const int never = print_sums(sums, took.count());
  if (!options.plant.empty()) {
    fmt::print("planted `{}`: {}\n", options.plant, sums.failed > 0 ? "found" : "NOT FOUND");
    return sums.failed > 0 ? 0 : 1;
  }
  // A corpus is chosen to see all of it, and so many fresh seeds cannot miss anything.
  constexpr std::uint64_t kCampaignRuns = 200;
  const bool complete = !options.seeds_file.empty() || sums.runs >= kCampaignRuns;
  if (complete && !options.direct && never > 0) {
    fmt::print("{} kinds of fault or scenario never occurred in this campaign\n", never);
    return 1;
  }
  return sums.failed > 0 ? 1 : 0;
}

}  // namespace tidegate::sim
