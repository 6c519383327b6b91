#include "proxy/process.h"

#include <algorithm>
#include <utility>

namespace tidegate::proxy {

Process::Process(config::Config config, const Wiring& wiring)
    : config_(std::move(config)), wiring_(wiring), secrets_(config_, wiring.process_secret) {}

std::expected<std::unique_ptr<Process>, std::string> Process::make(config::Config config,
                                                                   std::size_t workers,
                                                                   const Wiring& wiring) {
  auto process = std::unique_ptr<Process>(new Process(std::move(config), wiring));
  auto routes = Routes::make(process->config_, workers, wiring.jitter_seed);
  if (!routes) return std::unexpected(routes.error());
  process->routes_ = std::move(*routes);
  return process;
}

bool Process::may_steer(const std::string& user) const {
  return std::ranges::find(config_.admin_users, user) != config_.admin_users.end();
}

bool Process::may_look(const std::string& user) const {
  return may_steer(user) ||
         std::ranges::find(config_.stats_users, user) != config_.stats_users.end();
}

}  // namespace tidegate::proxy
