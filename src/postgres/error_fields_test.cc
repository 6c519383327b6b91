#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;

TEST(ErrorFields, UnknownFieldsAreSkipped) {
  const auto body =
      "SFEHLER\0VERROR\0C42P01\0Mno table\0P15\0zsomething new\0RparserOpenTable\0\0"s;
  const auto error = read_error(as_bytes(body));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->severity, "ERROR");
  EXPECT_EQ(error->sqlstate, "42P01");
  EXPECT_EQ(error->message, "no table");
  EXPECT_EQ(error->routine, "parserOpenTable");
}

TEST(ErrorFields, TheSeverityThatIsNotLocalisedWinsInAnyOrder) {
  EXPECT_EQ(read_error(as_bytes("VFATAL\0SFATALE\0\0"s))->severity, "FATAL");
  EXPECT_EQ(read_error(as_bytes("SFATALE\0\0"s))->severity, "FATALE");  // PostgreSQL before 9.6
}

TEST(ErrorFields, ABodyThatEndsEarlyOrLateIsNotAnError) {
  const auto whole = "SERROR\0C42P01\0Mno\0\0"s;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_error(as_bytes(whole).first(size))) << size;
  }
  EXPECT_TRUE(read_error(as_bytes(whole)));
  EXPECT_FALSE(read_error(as_bytes(whole + "M")));
}

RC_GTEST_PROP(ErrorFieldsProperty, AnyBytesAreReadOrRefused,
              (const std::vector<std::uint8_t>& body)) {
  const auto error = read_error(body);
  if (error) RC_ASSERT(body.back() == 0);
}

}  // namespace
}  // namespace tidegate::postgres
