// Words that the policy and the protocols share, so that neither needs to know the other.
#pragma once

#include <cstdint>

namespace tidegate {

// Why a session holds a server. Transactions end soon; the others are counted and limited apart.
enum class HoldKind : std::uint8_t { transaction, session, pin, login, listen, direct };
inline constexpr int kHoldKinds = 6;

// What a session needs to find on a server (a digest of its settings); 0 = nothing special.
using FitTag = std::uint64_t;

enum class PoolMode : std::uint8_t { transaction, session, statement };

}  // namespace tidegate
