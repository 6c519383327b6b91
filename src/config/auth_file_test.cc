#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/load.h"

namespace tidegate::config {
namespace {

std::string error(std::string_view text) {
  const auto users = parse_auth_file(text, "users.txt");
  return users ? "" : users.error().format();
}

TEST(AuthFile, reads_users_and_secrets) {
  const auto users = parse_auth_file(
      "; comment\n\n\"app\" \"secret\"\r\n"
      "  \"odd \"\"name\"\"\"\t\"with \"\" quote\" ignored rest\n"
      "\"m\" \"md5a3556571e93b0d20722ba62be61e8c2d\"\n\"none\" \"\"",
      "users.txt");
  ASSERT_TRUE(users) << users.error().format();
  EXPECT_THAT(*users, testing::ElementsAre(
                          User{.name = "app", .secret = "secret"},
                          User{.name = "odd \"name\"", .secret = "with \" quote"},
                          User{.name = "m", .secret = "md5a3556571e93b0d20722ba62be61e8c2d"},
                          User{.name = "none", .secret = ""}));
}

TEST(AuthFile, says_where_it_goes_wrong) {
  EXPECT_EQ(error("\"a\" \"b\"\napp secret\n"),
            "users.txt:2:1: error: the user's name must stand in double quotes");
  EXPECT_EQ(error("  \"app secret\n"),
            "users.txt:1:3: error: the quote of the user's name is not closed");
  EXPECT_EQ(error("\"app\" secret"),
            "users.txt:1:7: error: the secret must stand in double quotes");
  EXPECT_EQ(error("\"app\""), "users.txt:1:6: error: the secret must stand in double quotes");
  EXPECT_EQ(error("\"\" \"x\""), "users.txt:1:4: error: the user's name is empty");
}

TEST(AuthFile, has_limits) {
  const std::string name(129, 'n'), secret(2049, 's');
  EXPECT_NE(error("\"" + name + "\" \"x\""), "");
  EXPECT_NE(error("\"x\" \"" + secret + "\""), "");
  EXPECT_EQ(error("\"" + name.substr(1) + "\" \"" + secret.substr(1) + "\""), "");
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

RC_GTEST_PROP(AuthFile, whatever_is_quoted_comes_back, ()) {
  const auto letters = rc::gen::container<std::string>(rc::gen::inRange<char>(11, 127));
  const auto name = "n" + *letters, secret = *letters;
  const auto users = parse_auth_file(quoted(name) + " " + quoted(secret) + "\n", "f");
  RC_ASSERT(users.has_value());
  RC_ASSERT(users->size() == 1u);
  RC_ASSERT((*users)[0].name == name);
  RC_ASSERT((*users)[0].secret == secret);
}

}  // namespace
}  // namespace tidegate::config
