// `tidegate check FILE`: what is wrong with a configuration, for people and for editors.
#pragma once

#include <string>

#include "config/load.h"

namespace tidegate::cli {

// One line per problem, then one that sums up. `colour`: for a terminal.
std::string report(const config::Loaded& loaded, const std::string& file, bool colour);

}  // namespace tidegate::cli
