// SHA-256 over parts, each preceded by its length, so that no two different lists of parts give the
// same input.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"

namespace tidegate::postgres {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 digest(std::initializer_list<Bytes> parts);

// The first eight bytes as a number.
inline std::uint64_t leading_u64(const Sha256& sha) {
  std::uint64_t value = 0;
  std::memcpy(&value, sha.data(), sizeof value);
  return value;
}

}  // namespace tidegate::postgres
