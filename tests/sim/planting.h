// Planted bugs by name, for --plant. False: this build has none, or none of that name.
#pragma once

#include <string_view>

namespace tidegate::sim {

bool plant_by_name(std::string_view name);

}  // namespace tidegate::sim
