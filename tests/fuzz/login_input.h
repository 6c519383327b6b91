// The input of the two login targets: its first byte chooses the circumstances, its second the size
// of the pieces, and the rest is what the other side sends.
#pragma once

#include <algorithm>

#include "../support/quiet.h"
#include "base/bytes.h"

namespace tidegate::fuzz {

struct LoginInput {
  std::uint8_t circumstances = 0;
  std::size_t piece_bytes = 1;
  Bytes bytes;

  static LoginInput from(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return {};
    return {data[0], std::size_t{1} + data[1], Bytes(data + 2, size - 2)};
  }
  bool has(int bit) const { return (circumstances >> bit & 1) != 0; }
  Bytes next_piece() {
    const auto piece = bytes.first(std::min(piece_bytes, bytes.size()));
    bytes = bytes.subspan(piece.size());
    return piece;
  }
};

using testing::FixedEntropy;
using testing::QuietLog;

}  // namespace tidegate::fuzz
