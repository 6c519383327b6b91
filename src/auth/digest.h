#pragma once

#include <array>
#include <cstdint>

namespace tidegate::auth {

// What SHA-256 gives.
using Digest = std::array<std::uint8_t, 32>;

}  // namespace tidegate::auth
