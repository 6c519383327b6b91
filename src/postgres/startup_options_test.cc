#include <gtest/gtest.h>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

void expect_read(std::string_view options, const Parameters& expected) {
  const auto read = read_startup_options(options);
  ASSERT_TRUE(read) << options;
  EXPECT_EQ(*read, expected) << options;
}

void expect_refused(std::string_view options, std::string_view word) {
  const auto read = read_startup_options(options);
  ASSERT_FALSE(read) << options;
  EXPECT_EQ(read.error(), word);
}

TEST(StartupOptions, ThreeWaysToSetAParameter) {
  expect_read("-c a=1", {{"a", "1"}});
  expect_read("-ca=1", {{"a", "1"}});
  expect_read("--a=1", {{"a", "1"}});
  expect_read("-c a=1 --b=2 -cc=3", {{"a", "1"}, {"b", "2"}, {"c", "3"}});
}

TEST(StartupOptions, NothingIsNothing) {
  expect_read("", {});
  expect_read(" \t\n ", {});
}

TEST(StartupOptions, DashesInNamesAreUnderscoresAndValuesStay) {
  expect_read("--statement-timeout=-1", {{"statement_timeout", "-1"}});
  expect_read("-c Search-Path=My-Schema", {{"search_path", "My-Schema"}});
}

TEST(StartupOptions, ABackslashTakesTheNextCharacterAsItIs) {
  expect_read(R"(-c a=x\ y)", {{"a", "x y"}});
  expect_read(R"(-c a=x\\y)", {{"a", R"(x\y)"}});
  expect_read(R"(-c\ a=1)", {{" a", "1"}});
  expect_read(R"(-c a=\)", {{"a", ""}});
}

TEST(StartupOptions, QuotesAreOrdinary) {
  expect_read("-c a='x", {{"a", "'x"}});
}

TEST(StartupOptions, AnyBlankSeparates) {
  expect_read("\t-c\na=1\v--b=2\f\r", {{"a", "1"}, {"b", "2"}});
}

TEST(StartupOptions, OnlyTheFirstEqualsSignCounts) {
  expect_read("-c a=b=c", {{"a", "b=c"}});
}

TEST(StartupOptions, AnEmptyValueIsAValue) {
  expect_read("-c a=", {{"a", ""}});
}

TEST(StartupOptions, OtherSwitchesAreNamed) {
  expect_refused("-c a=1 -e", "-e");
  expect_refused("-B 100", "-B");
  expect_refused("endpoint", "endpoint");
  expect_refused("--", "--");
  expect_refused("-", "-");
}

TEST(StartupOptions, AnAssignmentNeedsANameAndAnEqualsSign) {
  expect_refused("-c", "-c");
  expect_refused("-c a", "-c");
  expect_refused("-c =1", "-c");
  expect_refused("--a", "--a");
}

}  // namespace
}  // namespace tidegate::postgres
