#include "postgres/pins.h"

#include <gtest/gtest.h>

#include "sql/postgres_scanner.h"

namespace tidegate::postgres {
namespace {

std::string_view reason_of(std::string_view text) {
  return pin_of(sql::PostgresScanner::scan(as_bytes(text))).reason;
}

TEST(Pins, OrdinaryStatementsDoNotPin) {
  for (const auto* text :
       {"select 1", "begin", "commit", "insert into t values (1)", "set local work_mem = 1",
        "set work_mem = 1", "select set_config('a.b', 'c', false)", "set timezone = 'x'",
        "set time zone 'x'; set datestyle = 'ISO'", "discard all", "reset timezone",
        "do $$ begin end $$", "set role x", "prepare p as select 1"}) {
    EXPECT_EQ(reason_of(text), "") << text;
  }
}

TEST(Pins, WhatStaysBehindPins) {
  EXPECT_EQ(reason_of("listen x"), "listen");
  EXPECT_EQ(pin_of(sql::PostgresScanner::scan(as_bytes("listen x")), true).reason, "");
  EXPECT_EQ(pin_of(sql::PostgresScanner::scan(as_bytes("listen x; load 'y'")), true).reason,
            "load");
  EXPECT_EQ(reason_of("create temp table t (a int)"), "temporary table");
  EXPECT_EQ(reason_of("select pg_advisory_lock(1)"), "advisory lock");
  EXPECT_EQ(reason_of("declare c cursor with hold for select 1"), "cursor with hold");
  EXPECT_EQ(reason_of("load 'x'"), "load");
  EXPECT_EQ(reason_of("select setseed(0.5)"), "setseed");
}

bool lasts(std::string_view text) {
  return pin_of(sql::PostgresScanner::scan(as_bytes(text))).lasts;
}

TEST(Pins, OneThatNobodyCanAskForLasts) {
  EXPECT_FALSE(lasts("create temp table t (a int); select pg_advisory_lock(1)"));
  EXPECT_TRUE(lasts("create temp table t (a int); select setseed(0)"));
  EXPECT_FALSE(pin_named("advisory lock").lasts);
  EXPECT_TRUE(pin_named("setseed").lasts);
}

TEST(Pins, WhatMayTakeAPinAwayIsAskedBehind) {
  const auto may = [](std::string_view text) {
    return may_unpin(sql::PostgresScanner::scan(as_bytes(text)));
  };
  for (const auto* text :
       {"select pg_advisory_unlock(1)", "drop table t", "close c", "close all", "discard temp"}) {
    EXPECT_TRUE(may(text)) << text;
  }
  EXPECT_FALSE(may("insert into t values (1)"));
  EXPECT_FALSE(may("commit"));
}

// A session that is not pinned has nothing to reset but what it had at its login.
TEST(Pins, AResetDoesNotPin) {
  EXPECT_EQ(reason_of("reset all"), "");
  EXPECT_EQ(reason_of("reset work_mem"), "");
  EXPECT_EQ(reason_of("begin; set work_mem to default; rollback"), "");
}

TEST(Pins, WhatMayChangeReportsIsKnown) {
  const auto may = [](std::string_view text) {
    return changes_of(sql::PostgresScanner::scan(as_bytes(text))).settings;
  };
  EXPECT_TRUE(may("set timezone = 'x'"));
  EXPECT_TRUE(may("set local timezone = 'x'"));
  EXPECT_TRUE(may("reset timezone"));
  EXPECT_TRUE(may("rollback"));
  EXPECT_TRUE(may("call p()"));
  EXPECT_FALSE(may("select 1"));
  EXPECT_FALSE(may("create table surnames (a int)"));
}

}  // namespace
}  // namespace tidegate::postgres
