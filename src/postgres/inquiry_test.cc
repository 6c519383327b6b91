#include "postgres/inquiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres/message.h"
#include "sql/postgres_scanner.h"

namespace tidegate::postgres {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SettingsRef settings() {
  return Settings::make(
      {{"TimeZone", "UTC"}, {"DateStyle", "ISO, MDY"}, {"app.tenant", "7", true}});
}

std::optional<Touched> touched(std::string_view text) {
  return touched_by(sql::PostgresScanner::scan(as_bytes(text)), text, *settings());
}

TEST(Touched, OnlyWhatNobodyReports) {
  EXPECT_THAT(touched("set timezone = 'x'; SET Work_Mem = 1; set work_mem to '2MB'")->names,
              ElementsAre("work_mem"));
  EXPECT_THAT(
      touched("select set_config('DateStyle', 'x', false), set_config('a.b', '', $1)")->names,
      ElementsAre("a.b"));
  for (const auto* text : {"select 1", "set local work_mem = 1", "reset work_mem",
                           "reset datestyle", "set role x", "select set_config('a.b', $1, true)"}) {
    EXPECT_TRUE(touched(text)->none()) << text;
  }
}

TEST(Touched, AResetTakesBackWhatTheSessionHas) {
  for (const auto* text : {"reset app.tenant", "set app.tenant to default", "reset all",
                           "discard all", "select 1; reset all"}) {
    EXPECT_THAT(touched(text)->names, ElementsAre("app.tenant")) << text;
  }
}

TEST(Touched, WhatNoTextShowsMayBeAnything) {
  const auto block = touched("do $$ begin perform set_config('a.b', 'c', false); end $$");
  EXPECT_TRUE(block->others);
  EXPECT_THAT(block->names, ElementsAre("app.tenant", "a.b"));
  EXPECT_TRUE(touched("call p()")->others);
  EXPECT_TRUE(touched("update pg_settings set setting = 'x' where name = 'y'")->others);
}

TEST(Touched, NamesThatAreNotPlainCannotBeAskedFor) {
  EXPECT_FALSE(touched("select set_config(name, 'x', false) from t"));
  EXPECT_FALSE(touched("select set_config('role', 'x', false)"));
  const auto effects = sql::PostgresScanner::scan(as_bytes("select set_config('a.b', '', false)"));
  EXPECT_FALSE(touched_by(effects, std::nullopt, *settings()));
}

TEST(Touched, TellsWhetherATextMayBeReadDifferently) {
  EXPECT_TRUE(touched("set extra_float_digits = 3")->shapes_parsing());
  EXPECT_TRUE(touched("call p()")->shapes_parsing());
  EXPECT_FALSE(touched("set statement_timeout = 3")->shapes_parsing());
}

ByteBuffer row(std::string_view name, std::optional<std::string_view> hexadecimal) {
  ByteBuffer body;
  ByteWriter writer(body);
  writer.be16(2).be32(static_cast<std::uint32_t>(name.size())).bytes(as_bytes(name));
  if (!hexadecimal) {
    writer.be32(0xffffffff);
  } else {
    writer.be32(static_cast<std::uint32_t>(hexadecimal->size())).bytes(as_bytes(*hexadecimal));
  }
  return body;
}

Inquiry inquiry(std::vector<std::string> names, bool others = false) {
  return Inquiry({std::move(names), others});
}

TEST(Inquiry, WhatTheServerSaysHolds) {
  auto asked = inquiry({"work_mem", "a.b", "app.tenant"});
  asked.take_row(row("work_mem", "344d42"));
  asked.take_row(row("a.b", ""));
  const auto answer = asked.answer(*settings());
  EXPECT_EQ(*answer->find("work_mem"), "4MB");
  EXPECT_EQ(*answer->find("a.b"), "");
  EXPECT_EQ(answer->find("app.tenant"), nullptr);
  EXPECT_EQ(*answer->find("TimeZone"), "UTC");
  EXPECT_FALSE(answer->reports("work_mem"));
}

TEST(Inquiry, WhatWasNotAskedForStays) {
  auto asked = inquiry({"work_mem"});
  EXPECT_EQ(*asked.answer(*settings()), *settings());
}

TEST(Inquiry, ANameThatNobodyKnowsIsNotSet) {
  auto asked = inquiry({"nosuch"});
  asked.take_row(row("nosuch", std::nullopt));
  EXPECT_FALSE(asked.failed());
  EXPECT_EQ(*asked.answer(*settings()), *settings());
}

TEST(Inquiry, OfOthersTheReportedOnesAreKnown) {
  auto asked = inquiry({}, true);
  asked.take_row(row("TimeZone", "78"));
  asked.take_row(row("work_mem", "344d42"));
  const auto answer = asked.answer(*settings());
  EXPECT_EQ(*answer->find("TimeZone"), "UTC");
  EXPECT_EQ(*answer->find("work_mem"), "4MB");
}

TEST(Inquiry, ARowThatIsCutOrTooMuchFails) {
  const auto whole = row("work_mem", "344d42");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    auto asked = inquiry({"work_mem"});
    asked.take_row(Bytes(whole).first(length));
    EXPECT_TRUE(asked.failed()) << length;
  }
  auto much = inquiry({"a.b"});
  for (int i = 0; i < 3; ++i) much.take_row(row("a.b", std::string(60'000, '0')));
  EXPECT_TRUE(much.failed());
}

}  // namespace
}  // namespace tidegate::postgres
