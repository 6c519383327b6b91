// What ties a session to its server, through the relay. Numbers are those of the traps in the field
// study of poolers.
#include <algorithm>

#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

TEST(RelayPins, Trap13_AnUnreportedSettingFollowsItsSession) {
  Rig rig(2);
  auto& client = rig.user();
  auto& other = rig.user();
  EXPECT_EQ(client.ask(query("set statement_timeout = '3'")), "C[SET]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.pins, 0);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(other.ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]");
    EXPECT_EQ(client.ask(query("show statement_timeout")), "TD[3]C[SHOW]Z[I]");
  }
  EXPECT_EQ(client.ask(query("reset statement_timeout")), "C[RESET]Z[I]");
  EXPECT_EQ(client.ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]");
}

// What comes behind the question goes to the same server, and may take back what it finds.
TEST(RelayPins, Trap13_AResetBehindTheQuestionCounts) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("set statement_timeout = '3'") + query("reset all"));
  client.ask(query("set app.x = '3'") + query("discard all") + query("set app.y = '4'"));
  auto& other = rig.user();
  other.ask(query("begin"));
  EXPECT_EQ(client.ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]");
  EXPECT_EQ(client.ask(query("show app.x")), "TD[]C[SHOW]Z[I]");
  EXPECT_EQ(client.ask(query("show app.y")), "TD[4]C[SHOW]Z[I]");
}

// Close is answered without the server: no reply comes that a message behind it could wait for.
TEST(RelayPins, WhatIsAnsweredHereIsNotWaitedFor) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("listen x"));
  client.ask(query("deallocate all"));
  client.ask(parse("a", "select 1") + sync());
  EXPECT_EQ(client.ask(close('S', "a") + parse("a", "select 2") + sync()), "31Z[I]");
  EXPECT_EQ(client.ask(close('S', "a") + query("deallocate all")), "3C[DEALLOCATE ALL]Z[I]");
}

TEST(RelayPins, WhatIsAnsweredHereFillsNoQueue) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("begin"));
  std::string closes;
  for (int i = 0; i < 10'001; ++i) closes += close('S', "a");
  EXPECT_EQ(client.ask(closes + sync()), std::string(10'001, '3') + "Z[T]");
}

TEST(RelayPins, Trap13_RefusedPinFailsTheTransaction) {
  Rig rig;
  auto& client = rig.user();
  rig.pins_left = false;
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(query("listen x")), "E[53300]Z[E]");
  client.ask(query("rollback"));
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.ask(parse("", "listen x") + binding("", "") + execute() + sync()),
            "1E[53300]Z[I]");
}

// In SJIS the letter 0x835C ends in a byte that is a backslash elsewhere. Read byte by byte, it
// would hide the quote behind it, and the SET behind that.
TEST(RelayPins, Trap13_ALetterThatEndsInABackslashHidesNoSet) {
  Rig rig(2);
  auto& client = rig.user({{"client_encoding", "SJIS"}});
  client.ask(query("select E'\x83\x5c'; listen x"));
  EXPECT_EQ(client.pinned_by, "listen");
  auto& other = rig.user({{"client_encoding", "SJIS"}});
  other.ask(query("select '\x83\x5c'"));
  other.ask(parse("", "select '\x83\x5c'") + binding("", "") + execute() + sync());
  EXPECT_EQ(other.pins, 0);
}

TEST(RelayPins, Trap13_AnEncodingOnItsWayIsAwaited) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("set client_encoding = 'SJIS'") + query("select E'\x83\x5c'; listen x"));
  EXPECT_EQ(client.pinned_by, "listen");
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
  EXPECT_EQ(a.ask(query("show statement_timeout")), "TD[7]C[SHOW]Z[I]");
  const auto replays = rig.traffic.settings_replays;
  a.ask(query("select 1"));
  EXPECT_EQ(rig.traffic.settings_replays, replays);
}

// Whether everything can be taken away again is up to the database: nothing runs before that is
// known.
TEST(RelayPins, Trap13_PuttingRightIsAwaited) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(query("do statement_timeout = '7'"));
  auto& server = *rig.servers[0];
  server.deaf = true;
  b.send(query("insert x"));
  EXPECT_TRUE(server.outgoing.contains("RESET ROLE"));
  EXPECT_FALSE(server.outgoing.contains("insert x"));
  server.deaf = false;
  rig.settle();
  EXPECT_EQ(b.answers(), "C[INSERT 0 1]Z[I]");
  EXPECT_EQ(server.fake.setting("statement_timeout"), "0");
}

TestServer& spoilt_server(Rig& rig) {
  const auto spoilt = [](const auto& each) {
    return each->fake.setting("statement_timeout") == "7";
  };
  return **std::ranges::find_if(rig.servers, spoilt);
}

// What one client left behind is not the next one's fault: that one gets another server.
TEST(RelayPins, Trap13_AServerThatCannotBePutRightIsClosed) {
  Rig rig(2);
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(query("do statement_timeout = '7'"));
  auto& spoilt = spoilt_server(rig);
  a.ask(query("select 1"));
  rig.database.unlock_denied = true;
  EXPECT_EQ(b.ask(query("insert x") + query("show statement_timeout")),
            "C[INSERT 0 1]Z[I]TD[0]C[SHOW]Z[I]");
  EXPECT_EQ(rig.database.rows, std::vector<std::string>{"x"});
  EXPECT_EQ(b.drops, 1);
  EXPECT_EQ(spoilt.broken_by, Reason::settings_replay_failed);
  EXPECT_EQ(b.closed_by, Reason::none);
}

// The client that sent it all and ended is answered too.
TEST(RelayPins, Trap13_AServerThatCannotBePutRightDelaysTheLastAnswer) {
  Rig rig(2);
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(query("do statement_timeout = '7'"));
  rig.user().ask(query("select 1"));
  rig.database.unlock_denied = true;
  auto& spoilt = spoilt_server(rig);
  spoilt.deaf = true;
  b.send(query("select last"));
  b.conversation->client_finished(rig.turn());
  spoilt.deaf = false;
  rig.settle();
  EXPECT_EQ(b.answers(), "TD[last]C[SELECT 1]Z[I]");
  EXPECT_EQ(b.closed_by, Reason::client_gone);
}

// A RESET runs under what it is to take away, a short statement_timeout, say; of an extension's
// parameter it may be denied.
TEST(RelayPins, Trap12_TakingASettingAwayIsAwaited) {
  Rig rig;
  rig.user({{"statement_timeout", "5000"}}).ask(query("select 1"));
  auto& b = rig.user();
  auto& server = *rig.servers[0];
  server.deaf = true;
  b.send(query("insert x"));
  EXPECT_TRUE(server.outgoing.contains("RESET \"statement_timeout\""));
  EXPECT_FALSE(server.outgoing.contains("insert x"));
  server.deaf = false;
  rig.settle();
  EXPECT_EQ(b.answers(), "C[INSERT 0 1]Z[I]");
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
                      LeftBehind{"select 1; prepare p as select 1", "prepare"},
                      LeftBehind{"select pg_replication_origin_session_setup('o')",
                                 "session function"}));

struct Returned {
  const char* taken;
  const char* given_back;
};

class Trap25_WhatIsGivenBack : public ::testing::TestWithParam<Returned> {};

// The server says when nothing is left, whichever statement was the last.
TEST_P(Trap25_WhatIsGivenBack, Unpins) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query(GetParam().taken));
  EXPECT_NE(client.server, nullptr);
  client.ask(query("begin"));
  client.ask(query(GetParam().given_back));
  EXPECT_NE(client.server, nullptr);
  client.ask(query("commit"));
  EXPECT_EQ(client.server, nullptr);
  client.ask(query("begin") + query(GetParam().taken) + query(GetParam().given_back) +
             query("commit"));
  EXPECT_EQ(client.server, nullptr);
  client.ask(parse("", GetParam().given_back) + binding("", "") + execute() + sync());
  EXPECT_EQ(client.server, nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    RelayPins, Trap25_WhatIsGivenBack,
    ::testing::Values(Returned{"select pg_advisory_lock(1)", "select pg_advisory_unlock(1)"},
                      Returned{"create temp table t (a int)", "drop table t"},
                      Returned{"declare c cursor with hold for select 1", "close c"}));

// What comes behind the question may take hold again.
TEST(RelayPins, Trap25_ALockBehindTheQuestionPins) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("select pg_advisory_lock(1)") + query("select pg_advisory_unlock(1)") +
             query("select pg_advisory_lock(2)"));
  EXPECT_NE(client.server, nullptr);
  client.ask(query("select pg_advisory_unlock(2)"));
  EXPECT_EQ(client.server, nullptr);
}

TEST(RelayPins, Trap25_ABlockThatTakesALockPinsWhenItIsOver) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(query("do advisory_lock = 1"));
  EXPECT_EQ(client.pinned_by, "advisory lock");
  rig.pins_left = false;
  auto& other = rig.user();
  other.ask(query("do advisory_lock = 1"));
  EXPECT_EQ(other.closed_by, Reason::pins_full);
}

TEST(RelayPins, Trap25_ARoleFollowsItsSession) {
  Rig rig(2);
  auto& client = rig.user();
  auto& other = rig.user();
  client.ask(query("set role deputy"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(other.ask(query("show role")), "TD[]C[SHOW]Z[I]");
    EXPECT_EQ(client.ask(query("show role")), "TD[deputy]C[SHOW]Z[I]");
  }
  client.ask(query("reset role"));
  EXPECT_EQ(client.ask(query("show role")), "TD[]C[SHOW]Z[I]");
  EXPECT_EQ(client.pins + other.pins, 0);
}

TEST(RelayPins, Trap25_StatementsOfSqlFollowTheirSession) {
  Rig rig(2);
  auto& client = rig.user();
  auto& other = rig.user();
  EXPECT_EQ(client.ask(query("prepare p as select 1")), "C[PREPARE]Z[I]");
  EXPECT_EQ(other.ask(query("prepare p as select 2")), "C[PREPARE]Z[I]");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(other.ask(query("deallocate p")), "C[DEALLOCATE]Z[I]");
    EXPECT_EQ(client.ask(query("prepare p as select 1")), "E[42P05]Z[I]");
    EXPECT_EQ(other.ask(query("prepare p as select 2")), "C[PREPARE]Z[I]");
  }
  EXPECT_EQ(client.ask(parse("p", "select 1") + sync()), "E[42P05]Z[I]");
  EXPECT_EQ(client.pins + other.pins, 0);
  client.ask(query("deallocate all"));
  EXPECT_EQ(client.ask(query("deallocate p")), "E[26000]Z[I]");
}

// DISCARD ALL leaves it where it is, so nobody gets that server afterwards.
TEST(RelayPins, Trap25_WhatOutlivesDiscardAllReachesNobody) {
  const auto connect = query("select dblink_connect('a', 'host=b')");
  Rig rig(2);
  auto& leaving = rig.user();
  leaving.ask(connect);
  EXPECT_EQ(leaving.pinned_by, "session function");
  EXPECT_FALSE(rig.lose(leaving));
  auto& staying = rig.user();
  staying.ask(connect);
  EXPECT_EQ(staying.ask(query("discard all")), "C[DISCARD ALL]Z[I]");
  EXPECT_EQ(staying.server, nullptr);
  EXPECT_EQ(staying.drops, 1);
}

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
