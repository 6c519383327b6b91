#include "postgres/renamed_error.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;

const auto kBody =
    "SERROR\0C08P01\0Mprepared statement \"tidegate_ab\" requires 1\0Dtidegate_ab\0\0"s;

TEST(RenamedError, TellsTheClientsNameWhereverItStands) {
  ByteBuffer out;
  ASSERT_TRUE(write_renamed_error(out, as_bytes(kBody), "tidegate_ab", "mine"));
  const auto body = "SERROR\0C08P01\0Mprepared statement \"mine\" requires 1\0Dmine\0\0"s;
  EXPECT_EQ(as_text(out).substr(5), body);
  EXPECT_EQ(out[4], body.size() + 4);
  out.clear();
  ASSERT_TRUE(write_renamed_error(out, as_bytes(kBody), "tidegate_ab", ""));
  EXPECT_TRUE(as_text(out).contains("statement \"\" requires"));
}

TEST(RenamedError, AnotherErrorOrAPartOfOneStaysAsItIs) {
  ByteBuffer out;
  EXPECT_FALSE(write_renamed_error(out, as_bytes(kBody), "tidegate_cd", "mine"));
  EXPECT_FALSE(write_renamed_error(out, as_bytes(kBody), "", "mine"));
  for (std::size_t size = 0; size < kBody.size(); ++size) {
    EXPECT_FALSE(write_renamed_error(out, as_bytes(kBody).first(size), "tidegate_ab", "mine"));
  }
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace tidegate::postgres
