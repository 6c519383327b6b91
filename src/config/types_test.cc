#include "config/types.h"

#include <gtest/gtest.h>

namespace tidegate::config {
namespace {

template <typename T>
std::string error(const Type<T>& type, std::string_view text) {
  const auto value = type.parse(text);
  return value ? "" : value.error();
}

TEST(Types, integers_have_a_range) {
  const auto type = integer(1, 100);
  EXPECT_EQ(*type.parse("100"), 100);
  for (const char* text : {"0", "101", "", "1x", " 1", "99999999999999999999"}) {
    EXPECT_EQ(error(type, text), fmt::format("must be an integer from 1 to 100, not `{}`", text));
  }
}

TEST(Types, a_word_may_stand_for_zero) {
  const auto type = integer_or("auto", 8);
  EXPECT_EQ(*type.parse("auto"), 0);
  EXPECT_EQ(error(type, "0"), "must be `auto` or an integer from 1 to 8, not `0`");
  EXPECT_EQ(*type.parse("8"), 8);
  EXPECT_EQ(error(type, "9"), "must be `auto` or an integer from 1 to 8, not `9`");
  EXPECT_EQ(type.print(0), "auto");
}

TEST(Types, no_limit_may_be_written_as_pgbouncer_writes_it) {
  const auto type = unlimited_or(8);
  EXPECT_EQ(*type.parse("unlimited"), 0);
  EXPECT_EQ(*type.parse("0"), 0);
  EXPECT_EQ(*type.parse("8"), 8);
  EXPECT_EQ(error(type, "-1"), "must be `unlimited` or an integer from 1 to 8, not `-1`");
}

TEST(Types, choices_name_each_other) {
  EXPECT_EQ(error(pool_mode(), "transactional"),
            "must be `transaction`, `session` or `statement`, not `transactional`");
  EXPECT_EQ(pool_mode().print(PoolMode::statement), "statement");
}

// As in PgBouncer and PostgreSQL.
TEST(Types, words_count_in_any_case) {
  EXPECT_EQ(*pool_mode().parse("Transaction"), PoolMode::transaction);
  EXPECT_EQ(*ssl_mode().parse("VERIFY-CA"), net::SslMode::verify_ca);
  EXPECT_EQ(*log_level().parse("Debug"), LogLevel::debug);
  EXPECT_FALSE(pool_mode().parse("Transactions"));
  EXPECT_FALSE(pool_mode().parse("trans"));
  for (const char* text : {"TRUE", "Yes", "On"}) EXPECT_TRUE(boolean().parse(text).value()) << text;
  for (const char* text : {"False", "NO", "OFF"}) {
    EXPECT_FALSE(boolean().parse(text).value()) << text;
  }
}

TEST(Types, durations_kept_as_numbers_must_be_whole) {
  EXPECT_EQ(*whole_seconds().parse("2min"), 120);
  EXPECT_EQ(whole_seconds().print(120), "2min");
  EXPECT_EQ(error(whole_seconds(), "1500ms"), "must be a whole number of seconds, not `1500ms`");
  EXPECT_EQ(error(whole_seconds(), "100000d"), "is too long");
}

TEST(Types, file_modes_are_octal) {
  EXPECT_EQ(*octal_mode().parse("0770"), 0770);
  EXPECT_EQ(octal_mode().print(0770), "0770");
  for (const char* text : {"", "0778", "rwx", "00770"}) EXPECT_NE(error(octal_mode(), text), "");
}

TEST(Types, addresses_to_listen_on) {
  const std::pair<const char*, Listen> cases[] = {
      {"127.0.0.1:7000", {"127.0.0.1", 7000}},
      {"10.0.0.1", {"10.0.0.1", 6432}},
      {"*:6432", {"*", 6432}},
      {":7000", {"127.0.0.1", 7000}},
      {"[::1]:7000", {"::1", 7000}},
      {"[::]", {"::", 6432}},
      {"localhost:0", {"localhost", 0}},
      {"/run/tidegate", {"/run/tidegate", 6432}},
      {"/run/x:7000", {"/run/x", 7000}},
      {"@tide", {"@tide", 6432}},
  };
  for (const auto& [text, expected] : cases) {
    const auto listen = parse_listen(text);
    ASSERT_TRUE(listen) << text << " " << listen.error();
    EXPECT_EQ(*listen, expected) << text;
    EXPECT_EQ(*parse_listen(print_listen(*listen)), expected);
  }
  for (const char* text : {"6432", "h:65536", "h:", "h:x", "::1", "::1:6432", "[::1", "[::1]x"}) {
    EXPECT_FALSE(parse_listen(text)) << text;
  }
}

TEST(Types, every_wrong_item_of_a_list_is_named) {
  EXPECT_EQ(error(listen_addresses(), "h:99999"),
            "has a port that is no number from 0 to 65535: `99999`");
  EXPECT_EQ(error(listen_addresses(), "h:99999, 127.0.0.1:6432, ::1, h:"),
            "holds `h:99999`, which has a port that is no number from 0 to 65535: `99999`; and "
            "`::1`, which needs brackets around an IPv6 address: `[::1]`; and `h:`, which lacks a "
            "port after the colon");
}

TEST(Types, hosts_of_an_upstream) {
  const auto targets = hosts().parse("a, b:5433 ,[::1]:7,/run/pg");
  ASSERT_TRUE(targets);
  const std::vector<net::Target> expected = {
      {"a", 5432}, {"b", 5433}, {"::1", 7}, {"/run/pg", 5432}};
  EXPECT_EQ(*targets, expected);
  EXPECT_EQ(hosts().print(expected), "a:5432, b:5433, [::1]:7, /run/pg:5432");
  EXPECT_FALSE(hosts().parse("a:0"));
}

}  // namespace
}  // namespace tidegate::config
