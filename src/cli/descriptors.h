// Whether the process may have as many descriptors as its configuration can make it need: found out
// at the start and by `tidegate check`, because the day it happens is the day of the highest load.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "config/config.h"

namespace tidegate::cli {

// At most: every client, every server and a cancel for each, and what the process has for itself.
std::size_t descriptors_needed(const config::Config& config, std::size_t workers);

// What is missing and what to do about it, in one line; nothing when `limit` suffices.
std::optional<std::string> descriptor_shortage(const config::Config& config, std::size_t workers,
                                               std::size_t limit);

}  // namespace tidegate::cli
