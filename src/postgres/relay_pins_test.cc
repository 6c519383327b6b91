// What ties a session to its server, through the relay. Numbers are those of the traps in the field
// study of poolers.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

TEST(RelayPins, Trap13_UnreportedSettingPins) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("set statement_timeout = '3'")), "C[SET]Z[I]");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.pinned_by, "parameter");
  EXPECT_EQ(client.ask(query("discard all")), "C[DISCARD ALL]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(RelayPins, Trap13_RefusedPinFailsTheTransaction) {
  Rig rig;
  auto& client = rig.user();
  rig.pins_left = false;
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(query("set statement_timeout = '3'")), "E[53300]Z[E]");
  client.ask(query("rollback"));
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(
      client.ask(parse("", "set statement_timeout = '3'") + binding("", "") + execute() + sync()),
      "1E[53300]Z[I]");
}

// In SJIS the letter 0x835C ends in a byte that is a backslash elsewhere. Read byte by byte, it
// would hide the quote behind it, and the SET behind that.
TEST(RelayPins, Trap13_ALetterThatEndsInABackslashHidesNoSet) {
  Rig rig(2);
  auto& client = rig.user({{"client_encoding", "SJIS"}});
  client.ask(query("select E'\x83\x5c'; set statement_timeout = '3'"));
  EXPECT_EQ(client.pinned_by, "parameter");
  auto& other = rig.user({{"client_encoding", "SJIS"}});
  other.ask(query("select '\x83\x5c'"));
  other.ask(parse("", "select '\x83\x5c'") + binding("", "") + execute() + sync());
  EXPECT_EQ(other.pins, 0);
}

TEST(RelayPins, Trap13_AnEncodingOnItsWayIsAwaited) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("set client_encoding = 'SJIS'") +
             query("select E'\x83\x5c'; set statement_timeout = '3'"));
  EXPECT_EQ(client.pinned_by, "parameter");
}

// A name too odd to be read may be anything that leaves something behind.
TEST(RelayPins, Trap13_AnUnreadableNamePins) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("select U&\"set\\005fx\"('a', 'b')")),
            "TD[U&\"set\\005fx\"('a', 'b')]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.pinned_by, "unreadable name");
  EXPECT_NE(client.server, nullptr);
}

TEST(RelayPins, Trap13_AnOpaqueStatementIsCleanedUpBehind) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user({{"statement_timeout", "5000"}});
  a.ask(query("do statement_timeout = '7'"));
  EXPECT_EQ(a.server, nullptr);
  EXPECT_EQ(rig.servers[0]->fake.setting("statement_timeout"), "7");
  EXPECT_EQ(b.ask(query("show statement_timeout")), "TD[5s]C[SHOW]Z[I]");
  a.ask(parse("", "do statement_timeout = '7'") + binding("", "") + execute() + sync());
  EXPECT_EQ(a.ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]");
  const auto replays = rig.traffic.settings_replays;
  a.ask(query("select 1"));
  EXPECT_EQ(rig.traffic.settings_replays, replays);
}

struct LeftBehind {
  const char* text;
  const char* reason;
};

class Trap25_WhatStaysOnAServer : public ::testing::TestWithParam<LeftBehind> {};

TEST_P(Trap25_WhatStaysOnAServer, PinsUntilDiscardAll) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query(GetParam().text));
  EXPECT_EQ(client.pinned_by, GetParam().reason);
  const auto* server = client.server;
  ASSERT_NE(server, nullptr);
  client.ask(query("select 1"));
  EXPECT_EQ(client.server, server);
  EXPECT_EQ(client.ask(query("discard all")), "C[DISCARD ALL]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST_P(Trap25_WhatStaysOnAServer, PinsWhenPreparedToo) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(parse("", GetParam().text) + binding("", "") + execute() + sync());
  EXPECT_EQ(client.pinned_by, GetParam().reason);
  EXPECT_NE(client.server, nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    RelayPins, Trap25_WhatStaysOnAServer,
    ::testing::Values(LeftBehind{"select pg_advisory_lock(1)", "advisory lock"},
                      LeftBehind{"select pg_try_advisory_lock_shared(1)", "advisory lock"},
                      LeftBehind{"create temp table t (a int)", "temporary table"},
                      LeftBehind{"select 1 into temp t", "temporary table"},
                      LeftBehind{"create table pg_temp.t (a int)", "temporary table"},
                      LeftBehind{"declare c cursor with hold for select 1", "cursor with hold"},
                      LeftBehind{"select setseed(0.5)", "setseed"},
                      LeftBehind{"load 'auto_explain'", "load"}, LeftBehind{"listen a", "listen"},
                      LeftBehind{"prepare p as select 1", "prepare"},
                      LeftBehind{"set role r", "role"},
                      LeftBehind{"set session_replication_role = replica", "parameter"},
                      LeftBehind{"select pg_replication_origin_session_setup('o')",
                                 "session function"}));

TEST(RelayPins, Trap25_WhatEndsWithItsTransactionDoesNotPin) {
  Rig rig(2);
  auto& client = rig.user();
  for (const auto* text : {"select pg_advisory_xact_lock(1)", "select lo_open(1, 2)",
                           "select pg_export_snapshot()", "select nextval('s'), currval('s')"}) {
    client.ask(query(text));
    EXPECT_EQ(client.server, nullptr) << text;
  }
  EXPECT_EQ(client.pins, 0);
}

}  // namespace
}  // namespace tidegate::postgres::testing
