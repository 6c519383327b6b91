// What the command line says over the configuration.
#pragma once

#include <expected>
#include <string>

#include "cli/serve.h"
#include "config/config.h"

namespace tidegate::cli {

// The error names the option and what would be right.
std::expected<void, std::string> apply(const ServeOptions& options, config::Config& config);

}  // namespace tidegate::cli
