#include "cli/check.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::cli {
namespace {

constexpr std::string_view kRed = "\033[1;31m";
constexpr std::string_view kYellow = "\033[1;33m";
constexpr std::string_view kPlain = "\033[0m";

std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string coloured(const config::Problem& problem) {
  const bool is_error = problem.severity == config::Severity::error;
  const std::string_view word = is_error ? "error:" : "warning:";
  auto line = problem.format();
  const auto at = line.find(word);
  return line.replace(at, word.size(),
                      fmt::format("{}{}{}", is_error ? kRed : kYellow, word, kPlain));
}

}  // namespace

std::string report(const config::Loaded& loaded, const std::string& file, bool colour) {
  std::string out;
  for (const auto& problem : loaded.problems) {
    out += fmt::format("{}\n", colour ? coloured(problem) : problem.format());
  }
  const auto errors = static_cast<std::size_t>(std::count_if(
      loaded.problems.begin(), loaded.problems.end(),
      [](const auto& problem) { return problem.severity == config::Severity::error; }));
  const auto warnings = counted(loaded.problems.size() - errors, "warning");
  if (errors > 0) {
    return out + fmt::format("{}: not usable: {}, {}\n", file, counted(errors, "error"), warnings);
  }
  const auto& config = loaded.config;
  return out + fmt::format("{}: fine: {}, {}, {}, {}\n", file,
                           counted(config.upstreams.size(), "upstream"),
                           counted(config.routes.size(), "route"),
                           counted(config.users.size(), "user"), warnings);
}

}  // namespace tidegate::cli
