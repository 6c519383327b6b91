// The console's cells in PostgreSQL's binary format, which some drivers (asyncpg) always ask for.
// Big-endian integers; text as it is; numeric in groups of four digits (numeric_send). The console
// has no fractions and no negative numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "session/table.h"

namespace tidegate::postgres {

// What a Bind asks for: a format for each column, one for all of them, or none (text).
class ResultFormats {
 public:
  ResultFormats() = default;
  explicit ResultFormats(std::vector<std::uint16_t> codes) : codes_(std::move(codes)) {}

  static constexpr std::uint16_t kText = 0;
  static constexpr std::uint16_t kBinary = 1;
  std::uint16_t of(std::size_t column) const;

 private:
  std::vector<std::uint16_t> codes_;
};

ByteBuffer binary_cell(session::CellType type, std::string_view text);

}  // namespace tidegate::postgres
