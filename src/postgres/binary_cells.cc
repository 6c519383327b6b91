#include "postgres/binary_cells.h"

#include <charconv>

#include "base/check.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kGroupDigits = 4;

std::uint64_t number_in(std::string_view digits) {
  std::uint64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  TG_CHECK(read.ec == std::errc{} && read.ptr == end);
  return number;
}

// How many groups, the place of the first, the sign, digits behind the point; then the groups.
void write_numeric(ByteWriter& out, std::string_view digits) {
  const auto first = (digits.size() + kGroupDigits - 1) % kGroupDigits + 1;
  const auto groups = (digits.size() + kGroupDigits - 1) / kGroupDigits;
  out.be16(static_cast<std::uint16_t>(groups)).be16(static_cast<std::uint16_t>(groups - 1));
  out.be16(0).be16(0);
  for (std::size_t at = 0; at < digits.size(); at = at == 0 ? first : at + kGroupDigits) {
    const auto group = digits.substr(at, at == 0 ? first : kGroupDigits);
    out.be16(static_cast<std::uint16_t>(number_in(group)));
  }
}

}  // namespace

std::uint16_t ResultFormats::of(std::size_t column) const {
  if (codes_.size() == 1) return codes_.front();
  return column < codes_.size() ? codes_[column] : kText;
}

ByteBuffer binary_cell(session::CellType type, std::string_view text) {
  ByteBuffer cell;
  ByteWriter out(cell);
  switch (type) {
    case session::CellType::text:
      out.text(text);
      break;
    case session::CellType::int4:
      out.be32(static_cast<std::uint32_t>(number_in(text)));
      break;
    case session::CellType::int8:
      out.be32(static_cast<std::uint32_t>(number_in(text) >> 32));
      out.be32(static_cast<std::uint32_t>(number_in(text)));
      break;
    case session::CellType::numeric:
      write_numeric(out, text);
      break;
    case session::CellType::boolean:
      out.u8(text.starts_with('t') ? 1 : 0);
      break;
  }
  return cell;
}

}  // namespace tidegate::postgres
