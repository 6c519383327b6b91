#include "postgres/row_shape.h"

#include <algorithm>

#include "postgres/digest.h"

namespace tidegate::postgres {

RowShape row_shape_of(Bytes body) {
  constexpr std::size_t kTableAndColumn = 6, kFormat = 2;
  constexpr std::size_t kType = 10;  // its number, length and modifier
  ByteReader reader(body);
  ByteBuffer shape;
  for (auto columns = reader.be16(); columns > 0 && reader.ok(); --columns) {
    const auto name = reader.cstring();
    reader.bytes(kTableAndColumn);
    ByteWriter(shape).cstring(name).bytes(reader.bytes(kType));
    reader.bytes(kFormat);
  }
  if (!reader.ok()) return RowShape::unknown;
  return RowShape{std::max<std::uint64_t>(1, leading_u64(digest({shape})))};
}

}  // namespace tidegate::postgres
