// What the targets of configuration files share: the files and variables that an input may name,
// and what must hold of whatever was read from it.
#pragma once

#include <algorithm>

#include "base/check.h"
#include "config/diff.h"
#include "config/load.h"

namespace tidegate::fuzz {

inline config::Sources few_sources() {
  return {.read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
            if (path != "users.txt") return std::unexpected("No such file or directory");
            return "\"app\" \"secret\"\n";
          },
          .environment = [](const std::string& name) -> std::optional<std::string> {
            if (name != "SECRET") return std::nullopt;
            return "from the environment";
          }};
}

// Every problem can be told; without an error every route has its upstream, every upstream a host
// and a budget, and each setting is what it is printed as.
inline void check_loaded(const config::Loaded& loaded) {
  for (const auto& problem : loaded.problems) TG_CHECK(!problem.format().empty());
  if (!loaded.usable()) return;
  const auto& config = loaded.config;
  TG_CHECK(config.clients_max >= 1);
  for (const auto& route : config.routes) {
    const auto upstream =
        std::ranges::find(config.upstreams, route.upstream, &config::Upstream::name);
    TG_CHECK(upstream != config.upstreams.end() && !upstream->hosts.empty());
    TG_CHECK(upstream->limits.budget >= 1 && route.limits.pool_size >= 1);
  }
  TG_CHECK(config::diff(config, config).empty());
  TG_CHECK(!config::show(config).empty());
}

}  // namespace tidegate::fuzz
