#include "cli/descriptors.h"

#include <algorithm>

#include <fmt/format.h>

#include "proxy/worker.h"

namespace tidegate::cli {
namespace {

// epoll, the mailbox, the one in reserve, and the sockets of name lookups.
constexpr std::size_t kPerWorker = 8;
// Standard streams, log file, pid_file, files that are read once.
constexpr std::size_t kOfTheProcess = 16;

}  // namespace

std::size_t descriptors_needed(const config::Config& config, std::size_t workers) {
  std::size_t needed = static_cast<std::size_t>(config.clients_max) + proxy::kHeardOutMax +
                       config.listen.size() + workers * kPerWorker + kOfTheProcess;
  for (const auto& upstream : config.upstreams) {
    needed += 2 * static_cast<std::size_t>(upstream.limits.budget);
  }
  return needed;
}

std::optional<std::string> descriptor_shortage(const config::Config& config, std::size_t workers,
                                               std::size_t limit) {
  const auto needed = descriptors_needed(config, workers);
  if (needed <= limit) return std::nullopt;
  const auto clients_max = static_cast<std::size_t>(config.clients_max);
  const auto others = needed - clients_max;
  const auto advice =
      limit > others ? fmt::format(", or lower clients_max to {}", limit - others) : std::string();
  return fmt::format(
      "clients_max and the budgets may need {} file descriptors, and the limit is {}: raise it "
      "(`ulimit -Hn`, or LimitNOFILE= in the systemd unit){}",
      needed, limit, advice);
}

}  // namespace tidegate::cli
