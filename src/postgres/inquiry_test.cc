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
                           "reset datestyle", "select set_config('a.b', $1, true)"}) {
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
  EXPECT_THAT(block->names, ElementsAre("session_authorization", "role", "app.tenant", "a.b"));
  EXPECT_TRUE(touched("call p()")->others);
  EXPECT_TRUE(touched("update pg_settings set setting = 'x' where name = 'y'")->others);
}

TEST(Touched, NamesThatAreNotPlainCannotBeAskedFor) {
  EXPECT_FALSE(touched("select set_config(name, 'x', false) from t"));
  const auto effects = sql::PostgresScanner::scan(as_bytes("select set_config('a.b', '', false)"));
  EXPECT_FALSE(touched_by(effects, std::nullopt, *settings()));
}

TEST(Touched, TellsWhetherATextMayBeReadDifferently) {
  EXPECT_TRUE(touched("set extra_float_digits = 3")->shapes_parsing());
  EXPECT_TRUE(touched("call p()")->shapes_parsing());
  EXPECT_FALSE(touched("set statement_timeout = 3")->shapes_parsing());
}

ByteBuffer row(std::string_view name, std::optional<std::string_view> value,
               std::string_view kind = "setting") {
  ByteBuffer body;
  ByteWriter writer(body);
  const auto field = [&](std::string_view text) {
    writer.be32(static_cast<std::uint32_t>(text.size())).bytes(as_bytes(text));
  };
  writer.be16(3);
  field(kind);
  field(name);
  value ? field(*value) : void(writer.be32(0xffffffff));
  return body;
}

Inquiry inquiry(std::vector<std::string> names, bool others = false) {
  return Inquiry({std::move(names), others});
}

TEST(Inquiry, WhatTheServerSaysHolds) {
  auto asked = inquiry({"work_mem", "a.b", "app.tenant"});
  asked.take_row(row("work_mem", "344d42"));
  asked.take_row(row("a.b", ""));
  const auto answer = asked.answer(*settings(), "app");
  EXPECT_EQ(*answer->find("work_mem"), "4MB");
  EXPECT_EQ(*answer->find("a.b"), "");
  EXPECT_EQ(answer->find("app.tenant"), nullptr);
  EXPECT_EQ(*answer->find("TimeZone"), "UTC");
  EXPECT_FALSE(answer->reports("work_mem"));
}

TEST(Inquiry, WhatWasNotAskedForStays) {
  auto asked = inquiry({"work_mem"});
  EXPECT_EQ(*asked.answer(*settings(), "app"), *settings());
}

TEST(Inquiry, ANameThatNobodyKnowsIsNotSet) {
  auto asked = inquiry({"nosuch"});
  asked.take_row(row("nosuch", std::nullopt));
  EXPECT_FALSE(asked.failed());
  EXPECT_EQ(*asked.answer(*settings(), "app"), *settings());
}

TEST(Inquiry, OfOthersTheReportedOnesAreKnown) {
  auto asked = inquiry({}, true);
  asked.take_row(row("TimeZone", "78"));
  asked.take_row(row("work_mem", "344d42"));
  const auto answer = asked.answer(*settings(), "app");
  EXPECT_EQ(*answer->find("TimeZone"), "UTC");
  EXPECT_EQ(*answer->find("work_mem"), "4MB");
}

TEST(Touched, ARoleIsAskedForWithWhomItBelongsTo) {
  for (const auto* text : {"set role x", "set session authorization x", "reset role",
                           "select set_config('role', $1, false)"}) {
    EXPECT_THAT(touched(text)->names, ElementsAre("session_authorization", "role")) << text;
  }
  EXPECT_TRUE(touched("set local role x")->none());
}

TEST(Touched, WhatIsPreparedInSqlOrHeld) {
  EXPECT_TRUE(touched("prepare p as select 1")->prepared);
  EXPECT_FALSE(touched("deallocate p")->prepared);  // it has none
  EXPECT_TRUE(touched("create temp table t (a int)")->holds);
  EXPECT_TRUE(touched("select pg_advisory_lock(1)")->holds);
  const auto block = touched("do $$ begin end $$");
  EXPECT_TRUE(block->holds && block->prepared);
  const auto effects = sql::PostgresScanner::scan(as_bytes("deallocate all"));
  const auto has = settings()->with_prepared({{"p", "prepare p as select 1"}});
  EXPECT_TRUE(touched_by(effects, "deallocate all", *has)->prepared);
}

TEST(Inquiry, AsksForNothingButWhatWasTouched) {
  Touched touched;
  touched.prepared = true;
  EXPECT_FALSE(Inquiry(touched).sql().contains("pg_settings"));
  EXPECT_FALSE(Inquiry(touched).sql().contains("pg_locks"));
  touched.holds = true;
  EXPECT_TRUE(Inquiry(touched).sql().contains("pg_locks"));
}

TEST(Inquiry, NobodyIsWhoHeLoggedInAs) {
  auto asked = inquiry({"role", "session_authorization"});
  asked.take_row(row("role", "6e6f6e65"));
  asked.take_row(row("session_authorization", "617070"));
  EXPECT_EQ(*asked.answer(*settings(), "app"), *settings());
  EXPECT_EQ(*asked.answer(*settings(), "other")->find("session_authorization"), "app");
}

TEST(Inquiry, StatementsOfSqlAreTheSessions) {
  Touched touched;
  touched.prepared = true;
  Inquiry asked(touched);
  asked.take_row(row("p", "prepare p as select 1", "prepared"));
  asked.take_row(row("advisory lock", "", "held"));
  EXPECT_TRUE(asked.answer(*settings(), "app")->has_prepared("p"));
  EXPECT_FALSE(asked.holds_statement());
  EXPECT_EQ(asked.held(), "advisory lock");
  const auto before = settings()->with_prepared({{"q", "prepare q as select 2"}});
  EXPECT_FALSE(asked.answer(*before, "app")->has_prepared("q"));
  EXPECT_TRUE(inquiry({"work_mem"}).answer(*before, "app")->has_prepared("q"));
}

TEST(Inquiry, AStatementThatCannotBeRepeatedStaysWhereItIs) {
  for (const auto* text :
       {"select 1; prepare p as select 1", "prepare p as select pg_advisory_lock(1)",
        "prepare p as select 'r\xc3\xa9sum\xc3\xa9'", "prepare p as select '\\'"}) {
    Touched touched;
    touched.prepared = true;
    Inquiry asked(touched);
    asked.take_row(row("p", text, "prepared"));
    EXPECT_TRUE(asked.holds_statement()) << text;
  }
}

TEST(Inquiry, WhatIsOfOneTransactionFollowsNobody) {
  auto asked = inquiry({"transaction_isolation"}, true);
  for (const auto* name :
       {"transaction_isolation", "transaction_read_only", "transaction_deferrable"}) {
    asked.take_row(row(name, "6f6e"));
  }
  EXPECT_FALSE(asked.failed());
  EXPECT_EQ(*asked.answer(*settings(), "app"), *settings());
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
