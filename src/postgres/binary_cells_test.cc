#include "postgres/binary_cells.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;
using session::CellType;

std::string cell(CellType type, std::string_view text) {
  return std::string(as_text(binary_cell(type, text)));
}

TEST(BinaryCells, AreWhatPostgresSends) {
  EXPECT_EQ(cell(CellType::text, "ten"), "ten");
  EXPECT_EQ(cell(CellType::int4, "258"), "\0\0\1\2"s);
  EXPECT_EQ(cell(CellType::int8, "4294967297"), "\0\0\0\1\0\0\0\1"s);
  EXPECT_EQ(cell(CellType::boolean, "t"), "\1"s);
  EXPECT_EQ(cell(CellType::boolean, "f"), "\0"s);
}

// SELECT numeric_send(...)
TEST(BinaryCells, NumbersComeInGroupsOfFourDigits) {
  EXPECT_EQ(cell(CellType::numeric, "7"), "\0\1\0\0\0\0\0\0\0\7"s);
  EXPECT_EQ(cell(CellType::numeric, "1234"), "\0\1\0\0\0\0\0\0\x04\xd2"s);
  EXPECT_EQ(cell(CellType::numeric, "10002"), "\0\2\0\1\0\0\0\0\0\1\0\2"s);
}

TEST(BinaryCells, OneFormatIsForAllColumns) {
  EXPECT_EQ(ResultFormats().of(3), ResultFormats::kText);
  EXPECT_EQ(ResultFormats({1}).of(3), ResultFormats::kBinary);
  EXPECT_EQ(ResultFormats({0, 1}).of(1), ResultFormats::kBinary);
  EXPECT_EQ(ResultFormats({1, 0}).of(1), ResultFormats::kText);
}

}  // namespace
}  // namespace tidegate::postgres
