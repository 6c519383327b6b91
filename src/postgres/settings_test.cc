#include "postgres/settings.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

SettingsRef usual() {
  return Settings::make({{"TimeZone", "Etc/UTC"}, {"DateStyle", "ISO, MDY"}});
}

TEST(Settings, LaterValuesWinWhateverTheCase) {
  const auto settings = usual()->with("timezone", "Asia/Tokyo");
  ASSERT_NE(settings->find("TIMEZONE"), nullptr);
  EXPECT_EQ(*settings->find("TimeZone"), "Asia/Tokyo");
  EXPECT_EQ(settings->entries().size(), 2u);
  // The server's spelling stays.
  EXPECT_EQ(settings->entries()[1].name, "TimeZone");
}

TEST(Settings, EqualValuesHaveEqualTags) {
  const auto a = usual();
  const auto b = Settings::make({{"DateStyle", "ISO, MDY"}, {"TimeZone", "Etc/UTC"}});
  EXPECT_EQ(*a, *b);
  EXPECT_EQ(a->tag(), b->tag());
  EXPECT_NE(a->tag(), a->with("TimeZone", "x")->tag());
  EXPECT_NE(Settings::empty()->tag(), 0u);
}

TEST(Settings, EqualOnesGrowIntoOne) {
  std::vector<SettingsRef> sessions{usual(), usual(), usual()};
  std::vector<SettingsRef> servers{usual(), usual()};
  for (int round = 0; round < 2; ++round) {
    for (auto& session : sessions) {
      for (auto& server : servers) EXPECT_TRUE(unified(session, server));
    }
  }
  for (const auto& session : sessions) EXPECT_EQ(session, servers[0]);
  EXPECT_EQ(servers[1], servers[0]);

  auto other = usual()->with("TimeZone", "x");
  EXPECT_FALSE(unified(other, servers[0]));
  EXPECT_NE(other, servers[0]);
}

TEST(Settings, QuotesWhateverStandardConformingStringsSays) {
  EXPECT_EQ(quote_literal("plain"), "'plain'");
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal("a\\b'"), "E'a\\\\b'''");
  EXPECT_EQ(quote_literal("\xc3\xa9 b"), "E'\\xc3\\xa9 b'");
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
}

TEST(Settings, TextRulesFollow) {
  EXPECT_TRUE(usual()->text_rules().standard_strings);
  EXPECT_EQ(usual()->text_rules().letters, sql::Letters::plain);
  const auto off = usual()->with("standard_conforming_strings", "off");
  EXPECT_FALSE(off->text_rules().standard_strings);
  EXPECT_EQ(off->with("client_encoding", "SJIS")->text_rules().letters, sql::Letters::shift_jis);
}

TEST(Settings, ASetCommandReadsItsValueAsSetConfigDoes) {
  EXPECT_EQ(set_command("", "my.Own", "it's"), "SET \"my\".\"Own\" TO 'it''s'");
  EXPECT_EQ(set_command("LOCAL ", "DateStyle", "ISO, MDY"),
            "SET LOCAL \"DateStyle\" TO 'ISO, MDY'");
  EXPECT_EQ(set_command("", "search_path", "\"$user\", Public,\"a \"\"b\""),
            "SET \"search_path\" TO '$user', 'public', 'a \"b'");
  EXPECT_EQ(set_command("", "search_path", ""), "SET \"search_path\" TO ''");
}

TEST(Settings, ServersOwnReportsAreNotReplayed) {
  EXPECT_TRUE(is_replayable_report("timezone"));
  EXPECT_TRUE(is_replayable_report("application_name"));
  EXPECT_FALSE(is_replayable_report("server_version"));
  EXPECT_FALSE(is_replayable_report("is_superuser"));
  EXPECT_FALSE(is_replayable_report("session_authorization"));
}

// One test per entry of the table.
class ShapingSetting : public ::testing::TestWithParam<const char*> {};

TEST_P(ShapingSetting, ChangesTheShape) {
  EXPECT_TRUE(shapes_parsing(GetParam()));
  const auto with = usual()->with(GetParam(), "other", true);
  EXPECT_NE(with->shape(), usual()->shape());
}

INSTANTIATE_TEST_SUITE_P(Table, ShapingSetting,
                         ::testing::Values("client_encoding", "DateStyle", "IntervalStyle",
                                           "TimeZone", "standard_conforming_strings", "search_path",
                                           "array_nulls", "backslash_quote", "bytea_output",
                                           "default_text_search_config", "extra_float_digits",
                                           "lc_monetary", "lc_numeric", "lc_time",
                                           "timezone_abbreviations", "transform_null_equals",
                                           "xmlbinary", "xmloption"));

TEST(Settings, ApplicationNameDoesNotShape) {
  EXPECT_EQ(usual()->with("application_name", "x")->shape(), usual()->shape());
}

TEST(Settings, WhatASetConfigSetsIsConcealedUnlessItIsAPlainLiteral) {
  for (const auto* text :
       {"select 1", "select set_config('search_path', $1, true)",
        "SELECT pg_catalog.\"set_config\" ( 'a.b' , 'c', true), SET_CONFIG('role', 'x', true)"}) {
    EXPECT_TRUE(names_configured(text)) << text;
  }
  for (const auto* text :
       {"select set_config($1, $2, true)", "select set_config('search' || '_path', 'a', true)",
        "select set_config('search'\n'_path', 'a', true)",
        "select set_config /* */ ('a', 'b', true)",
        "select set_config(E'search\\137path', 'a', true)", "select set_config('a", "set_config(",
        "select set_config('a', 'b', true), set_config(name, value, true) from t"}) {
    EXPECT_FALSE(names_configured(text)) << text;
  }
}

}  // namespace
}  // namespace tidegate::postgres
