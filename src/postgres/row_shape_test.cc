#include "postgres/row_shape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidegate::postgres {
namespace {

struct Column {
  std::string name;
  std::uint32_t table = 16384, type = 25, modifier = 0xffffffff;
  std::uint16_t number = 1, length = 0xffff, format = 0;
};

ByteBuffer description(const std::vector<Column>& columns) {
  ByteBuffer out;
  ByteWriter writer(out);
  writer.be16(static_cast<std::uint16_t>(columns.size()));
  for (const auto& column : columns) {
    writer.cstring(column.name).be32(column.table).be16(column.number).be32(column.type);
    writer.be16(column.length).be32(column.modifier).be16(column.format);
  }
  return out;
}

RowShape shape(const std::vector<Column>& columns) {
  return row_shape_of(description(columns));
}

TEST(RowShape, NamesAndTypesMakeIt) {
  const auto ab = shape({{"a"}, {"b"}});
  EXPECT_EQ(ab, shape({{"a"}, {"b"}}));
  EXPECT_NE(ab, shape({{"b"}, {"a"}}));
  EXPECT_NE(ab, shape({{"a"}}));
  EXPECT_NE(ab, shape({{"a"}, {"b"}, {"c"}}));
  EXPECT_NE(shape({{"a"}}), shape({{.name = "a", .type = 23}}));
  EXPECT_NE(shape({{"a"}}), shape({{.name = "a", .modifier = 14}}));
}

TEST(RowShape, ATableMadeAnewAlikeReadsAlike) {
  EXPECT_EQ(shape({{"a"}}), shape({{.name = "a", .table = 17000, .number = 4}}));
}

TEST(RowShape, IsKnownEvenOfNoColumns) {
  EXPECT_NE(shape({}), RowShape::unknown);
}

TEST(RowShape, IsUnknownOfWhatIsCutShort) {
  const auto whole = description({{"a"}, {"b"}});
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_EQ(row_shape_of(Bytes(whole).first(cut)), RowShape::unknown) << cut;
  }
}

}  // namespace
}  // namespace tidegate::postgres
