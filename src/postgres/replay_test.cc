#include "postgres/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SettingsRef usual() {
  return Settings::make({{"TimeZone", "Etc/UTC"}, {"DateStyle", "ISO, MDY"}});
}

TEST(Replay, SetsWhatDiffers) {
  const auto have = usual();
  EXPECT_EQ(replay(*have, *have).sql, "");
  const auto commands = replay(*have, *have->with("TimeZone", "it's"));
  EXPECT_EQ(commands.sql, "SET TimeZone = 'it''s';");
  EXPECT_FALSE(commands.needs_reply);
}

TEST(Replay, OfCustomNamesMayFail) {
  const auto have = usual();
  const auto want = have->with("app.tenant", "7", true);
  const auto commands = replay(*have, *want);
  EXPECT_EQ(commands.sql, "SELECT pg_catalog.set_config('app.tenant', '7', false);");
  EXPECT_TRUE(commands.needs_reply);
  const auto reset = replay(*want, *have);
  EXPECT_EQ(reset.sql, "RESET \"app\".\"tenant\";");
  EXPECT_TRUE(reset.needs_reply);
  EXPECT_EQ(*want->without_custom(), *have);
}

// SET search_path = 'a, b' would be one schema of that name.
TEST(Replay, ListsOfNamesAreSetAsText) {
  const auto have = Settings::make({{"search_path", "public"}});
  const auto commands = replay(*have, *have->with("search_path", "a, b"));
  EXPECT_EQ(commands.sql, "SELECT pg_catalog.set_config('search_path', 'a, b', false);");
  EXPECT_FALSE(commands.needs_reply);
}

TEST(Replay, UnknownCustomValuesAreSetAgainOrReset) {
  const auto custom = usual()->with("work_mem", "1MB", true);
  const auto doubted = custom->with_custom_unknown();
  EXPECT_EQ(replay(*doubted, *custom).sql, replay(*usual(), *custom).sql);
  EXPECT_EQ(replay(*doubted, *usual()).sql, replay(*custom, *usual()).sql);
}

TEST(Replay, ARoleIsTakenLastAndAwaited) {
  const auto deputy =
      usual()->with("role", "deputy", true)->with("session_authorization", "app", true);
  const auto commands = replay(*usual(), *deputy->with("app.x", "1", true));
  EXPECT_EQ(commands.sql,
            "SELECT pg_catalog.set_config('app.x', '1', false);"
            "SELECT pg_catalog.set_config('session_authorization', 'app', false);"
            "SELECT pg_catalog.set_config('role', 'deputy', false);");
  EXPECT_TRUE(commands.needs_reply);
  EXPECT_EQ(replay(*deputy, *usual()).sql, "RESET SESSION AUTHORIZATION;RESET ROLE;");
}

// What the role may not set, who logged in may.
TEST(Replay, WhatMayBeRefusedIsSetAsWhoLoggedIn) {
  const auto deputy = usual()->with("role", "deputy", true);
  EXPECT_EQ(replay(*deputy, *deputy->with("TimeZone", "x")).sql, "SET TimeZone = 'x';");
  EXPECT_EQ(replay(*deputy, *deputy->with("app.x", "1", true)).sql,
            "RESET SESSION AUTHORIZATION;RESET ROLE;"
            "SELECT pg_catalog.set_config('app.x', '1', false);"
            "SELECT pg_catalog.set_config('role', 'deputy', false);");
}

TEST(Replay, StatementsOfSqlComeAndGo) {
  const auto a = usual()->with_prepared({{"p", "prepare p as select 1"}, {"q", "prepare q as x"}});
  const auto b = usual()->with_prepared({{"p", "prepare p as select 2"}, {"q", "prepare q as x"}});
  const auto commands = replay(*a, *b);
  EXPECT_THAT(commands.closes, ElementsAre("p"));
  ASSERT_EQ(commands.prepares.size(), 1u);
  EXPECT_EQ(commands.prepares[0]->text, "prepare p as select 2");
  EXPECT_TRUE(commands.needs_reply);
  EXPECT_EQ(commands.sql, "");
  EXPECT_FALSE(replay(*a, *usual()).needs_reply);
  EXPECT_NE(a->tag(), b->tag());
  EXPECT_EQ(a->shape(), b->shape());
}

TEST(Replay, OwesAnAnswerForEachRequest) {
  const auto a = usual()->with_prepared({{"p", "prepare p as select 1"}});
  const auto b = usual()->with("TimeZone", "x")->with_prepared({{"q", "prepare q as select 1"}});
  OwedQueue owed;
  ByteBuffer out;
  write_replay(replay(*a, *b), owed, out);
  ASSERT_EQ(owed.size(), 4u);
  EXPECT_EQ(owed.at(0).reply, Reply::close);
  EXPECT_EQ(owed.at(1).reply, Reply::sync);
  EXPECT_EQ(owed.at(2).reply, Reply::query);
  EXPECT_TRUE(owed.at(3).prepares);
  EXPECT_EQ(owed.at(3).name, "q");
}

}  // namespace
}  // namespace tidegate::postgres
