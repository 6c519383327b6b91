#include "config/expand.h"

#include <gtest/gtest.h>

namespace tidegate::config {
namespace {

std::optional<std::string> environment(const std::string& name) {
  if (name == "PW") return "p@ss/${X}";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

std::string expanded(std::string_view text, Encoding encoding = Encoding::none) {
  const auto value = expand(text, environment, encoding);
  return value ? *value : "error: " + value.error();
}

TEST(Expand, puts_variables_in) {
  EXPECT_EQ(expanded("plain"), "plain");
  EXPECT_EQ(expanded("${PW}"), "p@ss/${X}") << "what comes out of a variable is not read again";
  EXPECT_EQ(expanded("a${PW}b${EMPTY}c"), "ap@ss/${X}bc");
  EXPECT_EQ(expanded("$PW $ {PW} $"), "$PW $ {PW} $");
  EXPECT_EQ(expanded("$${PW}${EMPTY}"), "${PW}");
}

TEST(Expand, encodes_a_part_of_a_url_but_not_a_whole_one) {
  EXPECT_EQ(expanded("postgres://u:${PW}@h", Encoding::url), "postgres://u:p%40ss%2F%24%7BX%7D@h");
  EXPECT_EQ(expanded("${PW}", Encoding::url), "p@ss/${X}");
}

TEST(Expand, names_what_is_missing) {
  EXPECT_EQ(expanded("x${NOPE}"), "error: needs the environment variable `NOPE`, which is not set");
  EXPECT_EQ(expanded("${PW"), "error: has a `${` that is not `${NAME}`");
  EXPECT_EQ(expanded("${}"), "error: has a `${` that is not `${NAME}`");
  EXPECT_EQ(expanded("${a b}"), "error: has a `${` that is not `${NAME}`");
}

}  // namespace
}  // namespace tidegate::config
