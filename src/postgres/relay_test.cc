// The relay, end to end between fake ends: clients on one side, fake PostgreSQL servers that are
// handed out in turn on the other. Numbers in names are those of the traps in the field study of
// poolers that this behaviour answers.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

TEST(Relay, SimpleQuery) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("select hello")), "TD[hello]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.writes, 1);
  EXPECT_EQ(rig.traffic.queries, 1u);
  EXPECT_EQ(rig.traffic.transactions, 1u);
}

TEST(Relay, TransactionKeepsItsServer) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("begin")), "C[BEGIN]Z[T]");
  const auto* server = client.server;
  ASSERT_NE(server, nullptr);
  client.send(query("insert a"));
  EXPECT_EQ(client.server, server);
  EXPECT_EQ(client.answers(), "C[INSERT 0 1]Z[T]");
  EXPECT_EQ(client.ask(query("commit")), "C[COMMIT]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, PreparedStatementOnAnyServer) {
  Rig rig(3);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("s", "select $1") + sync()), "1Z[I]");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(client.ask(binding("", "s", "x") + describe('P', "") + execute() + sync()),
              "2TD[x]C[SELECT 1]Z[I]");
  }
  EXPECT_EQ(rig.traffic.server_parses, 3u);
}

TEST(Relay, TwoClientsShareAStatement) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  EXPECT_EQ(a.ask(parse("a", "select $1") + sync()), "1Z[I]");
  EXPECT_EQ(b.ask(parse("b", "select $1") + binding("", "b", "2") + execute() + sync()),
            "12D[2]C[SELECT 1]Z[I]");
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 1u);
}

TEST(Relay, SyncAloneNeedsNoServer) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(sync()), "Z[I]");
  EXPECT_EQ(client.ask(close('S', "nothing") + flush() + sync()), "3Z[I]");
  EXPECT_EQ(client.wants_count, 0);
}

TEST(Relay, IncompleteMessageHoldsNoServer) {
  Rig rig;
  auto& client = rig.user();
  const auto text = query("select slow");
  client.send(text.substr(0, 9));
  EXPECT_EQ(client.wants_count, 0);
  EXPECT_EQ(client.ask(text.substr(9)), "TD[slow]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap01_ReleasedOnlyWhenNothingIsOwed) {
  Rig rig;
  auto& client = rig.user();
  rig.servers[0]->mute = true;
  client.send(query("select 1") + query("select 2"));
  auto& server = *rig.servers[0];
  const auto first = server.incoming.find('Z') + 6;
  const auto rest = server.incoming.substr(first);
  server.incoming.resize(first);
  server.mute = false;
  rig.settle();
  EXPECT_EQ(client.answers(), "TD[1]C[SELECT 1]Z[I]");
  EXPECT_NE(client.server, nullptr);
  server.incoming = rest;
  rig.settle();
  EXPECT_EQ(client.answers(), "TD[2]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap01_NotReleasedInsideAMessage) {
  Rig rig;
  auto& client = rig.user();
  auto& server = *rig.servers[0];
  const auto notice = frame('N', std::string("SNOTICE\0\0", 9));
  server.mute = true;
  client.send(query("select a"));
  server.incoming += notice.substr(0, 7);
  server.mute = false;
  rig.settle();
  EXPECT_EQ(client.server, &server);
  server.incoming += notice.substr(7);
  rig.settle();
  EXPECT_EQ(client.server, nullptr);
  EXPECT_TRUE(client.received.ends_with(notice));
}

TEST(Relay, Trap01_RestOfAnOlderMessageIsNotForTheNextClient) {
  Rig rig;
  auto& client = rig.user();
  auto& server = *rig.servers[0];
  const auto notice = frame('N', std::string("SNOTICE\0\0", 9));
  server.incoming = notice.substr(0, 7);
  rig.settle();
  server.mute = true;
  client.send(query("select a"));
  server.incoming = notice.substr(7) + server.incoming;
  server.mute = false;
  rig.settle();
  EXPECT_EQ(client.answers(), "TD[a]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap02_PipelinedSyncs) {
  Rig rig(2);
  auto& client = rig.user();
  std::string group = parse("", "select a") + binding("", "") + execute() + sync();
  EXPECT_EQ(client.ask(group + group + group),
            "12D[a]C[SELECT 1]Z[I]12D[a]C[SELECT 1]Z[I]12D[a]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.wants_count, 1);
}

TEST(Relay, Trap03_ErrorSkipsUntilSync) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "fail") + binding("", "") + execute() +
                       parse("later", "select 1") + query("select skipped") + sync()),
            "12E[22012]Z[I]");
  // The skipped Parse left no name behind.
  EXPECT_EQ(client.ask(binding("", "later") + sync()), "E[26000]Z[I]");
  EXPECT_EQ(client.ask(parse("later", "select 1") + sync()), "1Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap03_ErrorBeforeTheSyncIsSent) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "fail") + binding("", "") + execute() + flush()), "12E[22012]");
  EXPECT_EQ(client.ask(parse("x", "select 1") + query("select 2") + execute()), "");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(sync()), "Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.conversation->prepared_statements(), 0);
}

TEST(Relay, Trap03_SkippedCloseKeepsTheName) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select $1") + sync());
  EXPECT_EQ(client.ask(parse("", "fail") + binding("", "") + execute() + close('S', "s") + sync()),
            "12E[22012]Z[I]");
  EXPECT_EQ(client.ask(binding("", "s", "y") + execute() + sync()), "2D[y]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap04_FlushKeepsTheServer) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "select $1") + describe('S', "") + flush()), "1tT");
  ASSERT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(binding("", "", "v") + execute() + flush()), "2D[v]C[SELECT 1]");
  ASSERT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(sync()), "Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.wants_count, 1);
}

TEST(Relay, Trap05_UnnamedStatementFollowsToTheNextServer) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "select $1") + describe('S', "") + sync()), "1tTZ[I]");
  EXPECT_EQ(client.ask(binding("", "", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(describe('S', "") + sync()), "tTZ[I]");
}

TEST(Relay, Trap05_AnotherClientsUnnamedStatementIsNotUsed) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(parse("", "select a") + sync());
  EXPECT_EQ(b.ask(binding("", "") + execute() + sync()), "E[26000]Z[I]");
  EXPECT_EQ(b.ask(parse("", "select b") + sync()), "1Z[I]");
  EXPECT_EQ(a.ask(binding("", "") + execute() + sync()), "2D[a]C[SELECT 1]Z[I]");
  EXPECT_EQ(a.ask(query("select q")), "TD[q]C[SELECT 1]Z[I]");
  EXPECT_EQ(a.ask(binding("", "") + sync()), "E[26000]Z[I]");
}

// It was put there behind a request that failed, and with it skipped.
TEST(Relay, Trap05_WhatWasSkippedIsNotThere) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(parse("", "select a") + sync());
  b.ask(parse("", "select b") + sync());
  EXPECT_EQ(a.ask(binding("", "nothing") + binding("", "") + sync() + describe('P', "") +
                  parse("", "select c") + sync()),
            "E[26000]Z[I]E[34000]Z[I]");
  EXPECT_EQ(a.ask(binding("", "") + execute() + sync()), "2D[a]C[SELECT 1]Z[I]");
}

// A Parse that is skipped takes nothing away, one that fails does; nothing is put there again.
TEST(Relay, Trap05_ASkippedParseLeavesWhatTheServerHas) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin"));
  client.ask(parse("", "rollback") + sync());
  EXPECT_EQ(client.ask(binding("", "nothing") + parse("", "select b") + sync()), "E[26000]Z[E]");
  const auto before = rig.servers[0]->fake.seen();
  EXPECT_EQ(client.ask(binding("", "") + execute() + sync()), "2C[ROLLBACK]Z[I]");
  EXPECT_EQ(rig.servers[0]->fake.seen(), before + "BES");
}

// A simple query ends the unnamed statement whatever becomes of it, unless it is skipped.
TEST(Relay, Trap05_ARefusedQueryIsASimpleQuery) {
  Rig rig;
  auto& client = rig.user();
  const auto refused = query("prepare tidegate_x as select 1");
  client.ask(parse("", "select a") + sync());
  EXPECT_EQ(client.ask(binding("", "nothing") + refused + sync()), "E[26000]Z[I]");
  EXPECT_EQ(client.ask(binding("", "") + execute() + sync()), "2D[a]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(refused), "E[42939]Z[I]");
  EXPECT_EQ(client.ask(binding("", "") + sync()), "E[26000]Z[I]");
}

TEST(Relay, Trap06_UnknownNameFailsTheTransaction) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "insert a") + binding("", "") + execute() + binding("", "nope") +
                       execute() + sync()),
            "12C[INSERT 0 1]E[26000]Z[I]");
  EXPECT_TRUE(rig.database.rows.empty());
  EXPECT_EQ(client.ask(describe('S', "nope") + sync()), "E[26000]Z[I]");
  EXPECT_EQ(client.ask(execute("nope") + sync()), "E[34000]Z[I]");
}

TEST(Relay, Trap06_DuplicateName) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(parse("s", "select 1") + sync());
  client.send(parse("s", "select 2") + binding("", "s") + sync());
  EXPECT_NE(client.received.find("prepared statement \"s\" already exists"), std::string::npos);
  EXPECT_EQ(client.answers(), "E[42P05]Z[I]");
  EXPECT_EQ(client.ask(binding("", "s") + execute() + sync()), "2D[1]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap06_FailedParseRegistersNothing) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("s", "syntax") + sync()), "E[42601]Z[I]");
  EXPECT_EQ(client.ask(parse("s", "select 1") + sync()), "1Z[I]");
}

TEST(Relay, Trap06_RetriedNameInOnePipeline) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("s", "syntax") + sync() + parse("s", "select 1") + binding("", "s") +
                       execute() + sync()),
            "E[42601]Z[I]12D[1]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap06_CloseOfUnknownSucceeds) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(close('S', "nope") + close('P', "nope") + sync()), "33Z[I]");
  EXPECT_EQ(client.ask(parse("", "select 1") + close('S', "nope") + sync()), "13Z[I]");
}

TEST(Relay, Trap07_DescribeOnAnotherServer) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("s", "select $1") + sync()), "1Z[I]");
  EXPECT_EQ(client.ask(describe('S', "s") + sync()), "tTZ[I]");
}

// exec_describe_statement_message(): of what returns rows, not even the types of its parameters.
TEST(Relay, Trap07_DescribeInAFailedTransaction) {
  FakeDatabase database;
  DirectClient direct(database);
  Rig rig;
  database.describes_when_failed = rig.database.describes_when_failed = true;
  auto& pooled = rig.user();
  const auto expect_same = [&](const std::string& requests) {
    direct.send(requests);
    EXPECT_EQ(pooled.ask(requests), direct.answers());
  };
  const auto describe_all = [](const char* name) { return describe('S', name) + sync(); };
  expect_same(parse("s", "select $1") + parse("i", "insert a") + parse("c", "commit") + sync());
  for (const auto* text : {"select $1", "insert a", "commit"}) {
    expect_same(parse("", text) + sync() + query("begin"));
    expect_same(parse("", text) + parse("f", "fail") + binding("", "f") + execute() + sync());
    for (const auto* name : {"", "s", "i", "c", "unknown"}) expect_same(describe_all(name));
    expect_same(query("rollback") + close('S', "f") + sync());
  }
}

// There a statement that is not on the server cannot be put on it. Of one that returns no rows
// PostgreSQL would tell the types of its parameters; its Bind fails as here.
TEST(Relay, Trap07_DescribeInAFailedTransactionOnAnotherServer) {
  Rig rig(2);
  rig.database.describes_when_failed = true;
  auto& a = rig.user();
  auto& b = rig.user();
  for (int i = 0; i < 2; ++i) {
    b.ask(query("begin"));
    a.ask(parse("s", "select $1") + parse("i", "insert a") + parse("c", "commit") + sync());
    if (i == 0) a.ask(parse("", "select 1") + sync());
    b.ask(query("commit"));
    a.ask(query("begin"));
    const bool lacks = a.server->fake.statement_count() == 0;
    a.ask(query("fail"));
    EXPECT_EQ(a.ask(describe('S', "s") + sync()), "E[25P02]Z[E]");
    EXPECT_EQ(a.ask(describe('S', "i") + sync()), lacks ? "E[25P02]Z[E]" : "tnZ[E]");
    EXPECT_EQ(a.ask(binding("", "i") + sync()), "E[25P02]Z[E]");
    EXPECT_EQ(a.ask(describe('S', "c") + sync()), "tnZ[E]");
    EXPECT_EQ(a.ask(binding("", "c") + execute() + sync()), "2C[ROLLBACK]Z[I]");
    EXPECT_EQ(a.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
    EXPECT_EQ(a.ask(binding("", "i") + execute() + sync()), "2C[INSERT 0 1]Z[I]");
  }
}

TEST(Relay, Trap08_StatementsDifferBySettingsThatShapeThem) {
  Rig rig;
  auto& a = rig.user({{"datestyle", "German"}});
  auto& b = rig.user();
  a.ask(parse("s", "select now") + sync());
  b.ask(parse("s", "select now") + sync());
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 2u);
}

TEST(Relay, Trap09_DeallocateForgetsTheSessionsNameOnly) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(parse("s", "select $1") + sync());
  b.ask(parse("t", "select $1") + sync());
  EXPECT_EQ(a.ask(query("deallocate s")), "C[DEALLOCATE]Z[I]");
  EXPECT_EQ(a.ask(binding("", "s") + sync()), "E[26000]Z[I]");
  EXPECT_EQ(b.ask(query("deallocate all")), "C[DEALLOCATE ALL]Z[I]");
  EXPECT_EQ(b.ask(binding("", "t") + sync()), "E[26000]Z[I]");
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 1u);
}

TEST(Relay, Trap09_DeallocateInTheExtendedProtocol) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  const auto run = [](const std::string& text) {
    return parse("", text) + binding("", "") + execute();
  };
  for (auto* client : {&a, &b}) client->ask(parse("s", "select $1") + sync());
  EXPECT_EQ(a.ask(run("deallocate s") + sync()), "12C[DEALLOCATE]Z[I]");
  EXPECT_EQ(a.ask(binding("", "s") + sync()), "E[26000]Z[I]");
  EXPECT_EQ(a.ask(run("deallocate s") + sync()), "12E[26000]Z[I]");
  EXPECT_EQ(b.ask(binding("", "s") + sync()), "2Z[I]");
  // What fails before it leaves the name; what comes behind it finds the name free.
  EXPECT_EQ(b.ask(run("fail") + run("deallocate s") + sync()), "12E[22012]Z[I]");
  EXPECT_EQ(b.ask(run("deallocate s") + parse("s", "select 'new'") + sync()),
            "12C[DEALLOCATE]1Z[I]");
  EXPECT_EQ(b.ask(binding("", "s") + execute() + sync()), "2D['new']C[SELECT 1]Z[I]");
}

TEST(Relay, Trap09_DiscardAllReachesTheServer) {
  Rig rig;
  auto& a = rig.user();
  auto& b = rig.user();
  a.ask(parse("s", "select $1") + sync());
  EXPECT_EQ(b.ask(query("discard all")), "C[DISCARD ALL]Z[I]");
  EXPECT_EQ(a.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap10_StalePlanIsParsedAfreshUnseen) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select $1") + sync());
  client.ask(query("retype"));
  EXPECT_EQ(client.ask(binding("", "s", "v") + describe('P', "") + execute() + sync()),
            "2TD[v]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap10_StalePlanInATransactionIsTold) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select $1") + sync());
  client.ask(query("retype"));
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "E[0A000]Z[E]");
  client.ask(query("rollback"));
  EXPECT_EQ(client.ask(query("begin")), "C[BEGIN]Z[T]");
  EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[T]");
}

TEST(Relay, Trap11_CopyIn) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("copy in")), "G");
  EXPECT_EQ(client.ask(frame('d', "1") + frame('d', "2") + sync() + frame('c', "")),
            "C[COPY 2]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap11_SyncsDuringCopyAreSwallowed) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "copy in") + binding("", "") + execute() + sync()), "12G");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(frame('d', "1") + frame('c', "") + sync()), "C[COPY 1]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap11_CopyDataAfterAFailureIsDiscarded) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("copy in"));
  EXPECT_EQ(client.ask(frame('d', "bad")), "E[22P02]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.ask(frame('d', "2") + frame('c', "") + query("select 1")),
            "TD[1]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap11_FailedExtendedCopyClosesTheServer) {
  Rig rig(2);
  auto& client = rig.user();
  client.ask(parse("", "copy in") + binding("", "") + execute() + sync());
  EXPECT_EQ(client.ask(frame('d', "bad") + frame('c', "") + sync()), "E[22P02]Z[I]");
  EXPECT_EQ(client.drops, 1);
  EXPECT_EQ(client.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
}

TEST(Relay, Trap11_CopyOut) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("copy out")), "Hd[one\n]d[two\n]cC[COPY 2]Z[I]");
}

TEST(Relay, Trap12_SettingsFollowTheClient) {
  Rig rig(2);
  auto& a = rig.user();
  auto& b = rig.user();
  EXPECT_EQ(a.ask(query("set TimeZone = 'Asia/Tokyo'")), "C[SET]S[TimeZone=Asia/Tokyo]Z[I]");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(a.ask(query("show timezone")), "TD[Asia/Tokyo]C[SHOW]Z[I]");
    EXPECT_EQ(b.ask(query("show timezone")), "TD[Etc/UTC]C[SHOW]Z[I]");
  }
}

TEST(Relay, Trap12_ReplayGoesInTheSameWrite) {
  Rig rig(1);
  auto& a = rig.user();
  a.ask(query("set TimeZone = 'Asia/Tokyo'"));
  auto& b = rig.user();
  const auto writes = b.wants_count;
  EXPECT_EQ(b.ask(query("show timezone")), "TD[Etc/UTC]C[SHOW]Z[I]");
  EXPECT_EQ(b.wants_count, writes + 1);
  EXPECT_EQ(rig.traffic.settings_replays, 1u);
}

TEST(Relay, Trap12_ServerOfAFailedReplayIsNotUsedAgain) {
  Rig rig;
  rig.user().ask(query("set TimeZone = 'Asia/Tokyo'"));
  auto& client = rig.user();
  auto& server = *rig.servers[0];
  server.mute = true;
  client.send(query("show timezone"));
  EXPECT_TRUE(rig.lose(client));
  const auto error = frame('E', std::string("SERROR\0VERROR\0C57014\0Mcanceled\0\0", 32));
  server.conversation->from_server(as_bytes(error + frame('Z', "I")), rig.turn());
  EXPECT_EQ(server.broken_by, Reason::unclean);
  EXPECT_EQ(server.cleanings, 0);
}

TEST(Relay, Trap12_RolledBackSettingIsFollowed) {
  Rig rig(2);
  auto& a = rig.user();
  a.ask(query("begin"));
  a.ask(query("set TimeZone = 'Asia/Tokyo'"));
  EXPECT_EQ(a.ask(query("rollback")), "C[ROLLBACK]S[TimeZone=Etc/UTC]Z[I]");
  EXPECT_EQ(a.ask(query("show timezone")), "TD[Etc/UTC]C[SHOW]Z[I]");
}

TEST(Relay, Trap14_ATransactionOpenedAmongOthersIsSeen) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("select 1; begin; insert a")),
            "TD[1]C[SELECT 1]C[BEGIN]C[INSERT 0 1]Z[T]");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(query("commit; begin; insert b")), "C[COMMIT]C[BEGIN]C[INSERT 0 1]Z[T]");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(query("rollback")), "C[ROLLBACK]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(rig.database.rows, std::vector<std::string>{"a"});
}

TEST(Relay, Trap14_ATransactionOpenedInAPipelineIsSeen) {
  Rig rig(2);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "begin") + binding("", "") + execute() + sync() +
                       parse("", "insert a") + binding("", "") + execute() + sync()),
            "12C[BEGIN]Z[T]12C[INSERT 0 1]Z[T]");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(query("commit")), "C[COMMIT]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(Relay, Trap15_ClientLostInATransaction) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin"));
  client.ask(query("insert a"));
  auto& server = *client.server;
  EXPECT_TRUE(rig.lose(client));
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
  EXPECT_EQ(server.fake.status(), 'I');
  EXPECT_TRUE(rig.database.rows.empty());
}

TEST(Relay, Trap15_PipelineWithoutSyncIsNotCommitted) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("", "insert a") + binding("", "") + execute());
  auto& server = *client.server;
  EXPECT_TRUE(rig.lose(client));
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
  EXPECT_TRUE(rig.database.rows.empty());
}

TEST(Relay, Trap15_ClientLostInsideAMessage) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("copy in"));
  client.send(frame('d', std::string(20'000, 'x')).substr(0, 10'000));
  EXPECT_FALSE(rig.lose(client));
}

// A pipeline that lacks its Sync ends with its client, here in the middle of a CopyData.
TEST(Relay, Trap15_ClientThatEndsInsideAMessage) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("", "copy in") + binding("", "") + execute());
  client.send(frame('d', std::string(20'000, 'x')).substr(0, 10'000));
  auto& server = *client.server;
  client.conversation->client_finished(rig.turn());
  EXPECT_EQ(client.closed_by, Reason::client_gone);
  EXPECT_FALSE(server.conversation->abandon(rig.turn()));
}

TEST(Relay, Trap15_PinnedServerIsDiscarded) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("listen x"));
  client.ask(query("set statement_timeout = '3'"));
  auto& server = *client.server;
  client.send(frame('X', ""));
  EXPECT_EQ(client.closed_by, Reason::client_gone);
  client.conversation.reset();
  client.server = nullptr;
  EXPECT_TRUE(server.conversation->abandon(rig.turn()));
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
  EXPECT_EQ(server.fake.setting("statement_timeout"), "0");
}

TEST(Relay, Trap15_CopyOfALostClientFails) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("", "copy in") + binding("", "") + execute() + sync());
  auto& server = *client.server;
  EXPECT_TRUE(rig.lose(client));
  rig.settle();
  // It swallowed a Sync and then failed: it cannot be known what it still owes.
  EXPECT_EQ(server.broken_by, Reason::unclean);
}

// Nobody will send the rest: waiting for its answer would be waiting for ever.
TEST(Relay, Trap15_CopyOfAClientThatSaysGoodbyeEnds) {
  for (const bool politely : {true, false}) {
    Rig rig;
    auto& client = rig.user();
    client.ask(query("copy in"));
    if (politely) {
      client.send(frame('X', ""));
    } else {
      client.conversation->client_finished(rig.turn());
    }
    EXPECT_EQ(client.closed_by, Reason::client_gone);
  }
}

TEST(Relay, Trap15_CopyThatIsStillToBeginEndsToo) {
  Rig rig;
  auto& client = rig.user();
  client.send(query("copy in") + frame('X', ""));
  EXPECT_EQ(client.closed_by, Reason::client_gone);
}

TEST(Relay, Trap16_OneErrorWhenTheServerDies) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin"));
  client.send(query("die"));
  EXPECT_EQ(client.answers(), "E[FATAL 57P01]");
  EXPECT_EQ(client.closed_by, Reason::server_shutdown);
}

TEST(Relay, Trap16_ServerVanishes) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin"));
  client.server->broken_by = Reason::server_lost;
  rig.settle();
  EXPECT_EQ(client.answers(), "E[FATAL 08006]");
  EXPECT_EQ(client.closed_by, Reason::server_lost);
}

TEST(Relay, Trap18_LargeMessagesStream) {
  Rig rig(2);
  rig.piece_bytes = 1000;
  auto& client = rig.user();
  const std::string large(50'000, 'x');
  EXPECT_EQ(client.ask(query("select " + large)), "TD[" + large + "]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(parse("s", "select $1") + sync()), "1Z[I]");
  EXPECT_EQ(client.ask(binding("", "s", large) + execute() + sync()),
            "2D[" + large + "]C[SELECT 1]Z[I]");
}

// Its beginning is read like any other's; what follows passes by in pieces.
TEST(Relay, Trap18_AnErrorOfAnySizeIsUnderstood) {
  Rig rig(2);
  rig.piece_bytes = 1000;
  auto& client = rig.user();
  const std::string large(100'000, 'x');
  client.send(parse("", "fail " + large) + binding("", "") + execute() + query("skipped") + sync());
  EXPECT_EQ(client.received.size(), 2 * 5 + large.size() + 52);
  EXPECT_EQ(client.answers(), "12E[22012]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
  client.send(query("die " + large));
  EXPECT_EQ(client.answers(), "E[FATAL 57P01]");
  EXPECT_EQ(client.closed_by, Reason::server_shutdown);
}

TEST(Relay, Trap18_TextTooLongToKeepPins) {
  session::RouteRules rules;
  rules.statement_bytes_max = 100;
  Rig rig(2, rules);
  auto& client = rig.user();
  const auto text = "select " + std::string(300, 'x');
  client.send(parse("s", text) + sync());
  EXPECT_EQ(client.answers(), "1Z[I]");
  EXPECT_EQ(client.pinned_by, "large statement");
  EXPECT_EQ(client.ask(binding("", "s") + execute() + sync()),
            "2D[" + std::string(300, 'x') + "]C[SELECT 1]Z[I]");
  EXPECT_NE(client.server, nullptr);
}

// Also where what it asked for last, a Parse of what the server has, needs none of the server's.
TEST(Relay, Trap20_HalfClosedClientGetsItsAnswer) {
  for (const auto& [text, answer] : {std::pair{query("select last"), "TD[last]C[SELECT 1]Z[I]"},
                                     std::pair{parse("t", "select 1"), "1"}}) {
    Rig rig;
    auto& client = rig.user();
    client.ask(parse("s", "select 1") + sync());
    rig.servers_held_back = true;
    client.send(text.substr(0, 3));
    client.send(text.substr(3));
    client.conversation->client_finished(rig.turn());
    EXPECT_EQ(client.closed_by, Reason::none);
    rig.servers_held_back = false;
    rig.settle();
    EXPECT_EQ(client.answers(), answer);
    EXPECT_EQ(client.closed_by, Reason::client_gone);
  }
}

// A FunctionCall is outside of the extended protocol: it owes one ReadyForQuery of its own.
TEST(Relay, Trap26_FunctionCallEndsInOneReady) {
  Rig rig(2);
  auto& client = rig.user();
  const auto call = frame('F', std::string("\0\0\4\xe9\0\0\0\0\0\0", 10));
  EXPECT_EQ(client.ask(call), "VZ[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.ask(query("begin")), "C[BEGIN]Z[T]");
  EXPECT_EQ(client.ask(call + call), "VZ[T]VZ[T]");
  EXPECT_EQ(client.ask(query("commit")), "C[COMMIT]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.ask(parse("", "fail") + binding("", "") + execute() + call + sync()),
            "12E[22012]Z[I]");
}

TEST(Relay, Trap26_PortalSuspended) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(parse("", "select r") + binding("", "") + execute("", 1) + flush()),
            "12D[r]s");
  EXPECT_NE(client.server, nullptr);
  EXPECT_EQ(client.ask(sync()), "Z[I]");
}

TEST(Relay, Trap27_NeverResetInsideATransaction) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin"));
  client.ask(query("listen x"));
  auto& server = *client.server;
  EXPECT_TRUE(rig.lose(client));
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
  EXPECT_EQ(server.broken_by, Reason::none);
}

}  // namespace
}  // namespace tidegate::postgres::testing
