// What a reload would change, as an operator reads it.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace tidegate::config {

struct Change {
  std::string what;    // "route.app.pool_size", or "upstream.main" when it comes or goes
  std::string before;  // secrets are "***"; empty when it was not there
  std::string after;
  bool needs_restart = false;
  bool operator==(const Change&) const = default;
};

// In the order of SHOW CONFIG. Empty exactly when nothing would change.
std::vector<Change> diff(const Config& running, const Config& wanted);

}  // namespace tidegate::config
