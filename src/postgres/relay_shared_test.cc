// The unnamed statement, shared: what comes again is prepared once on each server, and nobody hears
// a difference.
#include <chrono>

#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

using std::chrono::seconds;

const std::string kUse =
    parse("", "select $1") + binding("", "", "v") + describe('P', "") + execute() + sync();
const std::string kAnswer = "12TD[v]C[SELECT 1]Z[I]";

class RelayShared : public ::testing::Test {
 protected:
  // What the server read since the last time.
  std::string seen() {
    const auto& all = rig.servers[0]->fake.seen();
    return all.substr(std::exchange(seen_, all.size()));
  }
  // So often that the statement is there.
  void share() {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(kUse), kAnswer);
    seen();
  }

  Rig rig;
  TestClient& client = rig.user();
  TestClient& other = rig.user();

 private:
  std::size_t seen_ = 0;
};

TEST_F(RelayShared, WhatComesAgainIsParsedOnce) {
  seen();
  EXPECT_EQ(client.ask(kUse), kAnswer);
  EXPECT_EQ(seen(), "PBDES");
  EXPECT_EQ(other.ask(kUse), kAnswer);
  EXPECT_EQ(seen(), "PBDES");
  EXPECT_EQ(client.ask(kUse), kAnswer);
  EXPECT_EQ(seen(), "BDES");
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 1u);
}

TEST_F(RelayShared, WithNoDescribeToo) {
  share();
  const auto use = parse("", "select $1") + binding("", "", "v") + execute() + sync();
  EXPECT_EQ(client.ask(use), "12D[v]C[SELECT 1]Z[I]");
  EXPECT_EQ(seen(), "BES");
}

TEST_F(RelayShared, HowTheRequestIsCutDoesNotMatter) {
  share();
  for (std::size_t cut = 1; cut < kUse.size(); ++cut) {
    client.send(kUse.substr(0, cut));
    client.send(kUse.substr(cut));
    EXPECT_EQ(client.answers(), kAnswer) << cut;
    EXPECT_EQ(client.server, nullptr) << cut;
  }
}

TEST_F(RelayShared, AfterAWhileItIsParsedAnew) {
  share();
  rig.now = rig.now + seconds(2);
  EXPECT_EQ(client.ask(kUse), kAnswer);
  EXPECT_EQ(seen(), "CPBDES");
  EXPECT_EQ(client.ask(kUse), kAnswer);
  EXPECT_EQ(seen(), "BDES");
}

// A change that nobody told of. Who has just prepared is never told "must not change result type".
TEST_F(RelayShared, AChangedTableIsNotNoticed) {
  share();
  ++rig.database.version;
  EXPECT_EQ(client.ask(kUse), kAnswer);
  ++rig.database.version;
  const auto use = parse("", "select $1") + binding("", "", "v") + execute() + sync();
  EXPECT_EQ(client.ask(use), "12D[v]C[SELECT 1]Z[I]");
}

TEST_F(RelayShared, AMissingStatementIsNotNoticed) {
  share();
  rig.servers[0]->fake.forget_one();
  EXPECT_EQ(client.ask(kUse), kAnswer);
}

TEST_F(RelayShared, WhereItCouldNotBeRunAgainItIsParsed) {
  share();
  EXPECT_EQ(client.ask(kUse + kUse), kAnswer + kAnswer);
  EXPECT_EQ(seen(), "PBDESPBDES");
  EXPECT_EQ(client.ask(kUse + query("select q")), kAnswer + "TD[q]C[SELECT 1]Z[I]");
  EXPECT_EQ(seen(), "PBDESQ");
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(kUse), "12TD[v]C[SELECT 1]Z[T]");
  EXPECT_EQ(seen(), "QPBDES");
}

TEST_F(RelayShared, WhatIsMoreThanOnePlainStatementIsParsed) {
  for (const auto* text : {"begin", "rollback", "set timezone = 'x'"}) {
    const auto use = parse("", text) + binding("", "") + execute() + sync();
    for (int i = 0; i < 3; ++i) client.ask(use);
    EXPECT_EQ(rig.servers[0]->fake.statement_count(), 0u) << text;
  }
}

TEST_F(RelayShared, OtherSettingsMakeItAnotherStatement) {
  share();
  other.ask(query("set timezone = 'x'"));
  seen();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(other.ask(kUse), kAnswer);
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 2u);
  rig.servers[0]->fake.forget_one();
}

// It outlives its request, on whichever server, until a query or another one takes its place.
TEST_F(RelayShared, ItIsTheUnnamedStatementBehindItsRequest) {
  share();
  const auto again = binding("", "", "w") + execute() + sync();
  EXPECT_EQ(client.ask(again), "2D[w]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(describe('S', "") + sync()), "tTZ[I]");
  other.ask(parse("", "select o $1") + sync());
  EXPECT_EQ(client.ask(again), "2D[w]C[SELECT 1]Z[I]");
  client.ask(query("select 1"));
  EXPECT_EQ(client.ask(again), "E[26000]Z[I]");
  share();
  client.ask(close('S', "") + sync());
  EXPECT_EQ(client.ask(again), "E[26000]Z[I]");
}

TEST_F(RelayShared, ATextThatIsRefusedIsRefusedEachTime) {
  const auto use =
      parse("", "syntax error") + binding("", "") + describe('P', "") + execute() + sync();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.ask(use), "E[42601]Z[I]");
  EXPECT_EQ(client.ask(binding("", "") + sync()), "E[26000]Z[I]");
}

// What PostgreSQL says of a text it says to everybody.
TEST_F(RelayShared, AWarningIsHeardEachTime) {
  for (int i = 0; i < 2; ++i) client.ask(kUse);
  auto& server = *rig.servers[0];
  rig.now = rig.now + seconds(2);
  server.mute = true;
  client.send(kUse);
  server.mute = false;
  server.incoming.insert(std::string(frame('3', "")).size(),
                         frame('N', std::string("SWARNING\0\0", 10)));
  rig.settle();
  seen();
  client.answers();
  EXPECT_EQ(client.ask(kUse), kAnswer);
  EXPECT_EQ(seen(), "CPBDES");
}

TEST(RelayNotShared, WhereTheRouteForbidsIt) {
  Rig rig(1, {.share_unnamed_for = Duration::zero()});
  auto& client = rig.user();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.ask(kUse), kAnswer);
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 0u);
}

}  // namespace
}  // namespace tidegate::postgres::testing
