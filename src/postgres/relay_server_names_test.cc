// The names under which servers know statements are Tidegate's: no client reaches them, and nothing
// that was put there under a client's name stays.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

// --- The stand-in of a DEALLOCATE that was not executed ---

class ADeallocateThatFails : public ::testing::Test {
 protected:
  ADeallocateThatFails() {
    client.ask(parse("s", "select $1") + parse("d", "deallocate s") + sync());
    client.ask(query("begin"));
    client.ask(binding("", "d") + sync());
    client.ask(query("select 'takes the portal away'"));
  }
  void expect_nothing_left() {
    EXPECT_EQ(rig.servers[0]->fake.statement_count(), 2u);
    EXPECT_EQ(client.ask(query("rollback")), "C[ROLLBACK]Z[I]");
    EXPECT_EQ(client.server, nullptr);
    EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[I]");
    EXPECT_EQ(rig.user().ask(parse("", "deallocate s") + binding("", "") + execute() + sync()),
              "12E[26000]Z[I]");
  }
  Rig rig;
  TestClient& client = rig.user();
};

TEST_F(ADeallocateThatFails, LeavesNothing) {
  EXPECT_EQ(client.ask(execute() + sync()), "E[34000]Z[E]");
  expect_nothing_left();
}

TEST_F(ADeallocateThatFails, LeavesNothingWhereItsSyncComesLater) {
  EXPECT_EQ(client.ask(execute() + flush()), "E[34000]");
  EXPECT_EQ(client.ask(execute() + close('S', "s")), "");
  EXPECT_EQ(client.ask(sync()), "Z[E]");
  expect_nothing_left();
}

TEST_F(ADeallocateThatFails, LeavesNothingBeforeMoreRequests) {
  EXPECT_EQ(client.ask(execute() + sync() + query("select 1") + binding("", "s") + sync()),
            "E[34000]Z[E]E[25P02]Z[E]E[25P02]Z[E]");
  expect_nothing_left();
}

TEST_F(ADeallocateThatFails, IsNotInTheWayOfAPrepare) {
  EXPECT_EQ(client.ask(query("commit")), "C[COMMIT]Z[I]");
  client.ask(query("listen x"));
  client.ask(parse("", "deallocate s") + binding("", "") + flush());
  EXPECT_EQ(client.ask(execute("nope") + sync()), "E[34000]Z[I]");
  client.ask(query("begin"));
  client.ask(parse("", "deallocate s") + binding("", "") + sync());
  client.ask(query("select 1"));
  rig.servers[0]->mute = true;
  client.send(execute() + sync() + query("prepare s as select 1"));
  EXPECT_FALSE(rig.servers[0]->fake.seen().ends_with("Q"));
  rig.servers[0]->mute = false;
  rig.settle();
  EXPECT_EQ(client.answers(), "E[34000]Z[E]E[25P02]Z[E]");
}

TEST_F(ADeallocateThatFails, OfALostClientLeavesNothing) {
  client.send(execute() + flush());
  auto& server = *client.server;
  EXPECT_TRUE(rig.lose(client));
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
  EXPECT_EQ(server.fake.statement_count(), server.conversation->state().statements.size());
}

// --- Names that begin as the server's do ---

class RelayReservedNames : public ::testing::TestWithParam<const char*> {};

TEST_P(RelayReservedNames, AreRefusedInSql) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query(GetParam())), "E[42939]Z[I]");
  EXPECT_EQ(client.ask(parse("", GetParam()) + binding("", "") + execute() + sync()),
            "1E[42939]Z[I]");
  EXPECT_EQ(client.ask(parse("n", GetParam()) + binding("", "n") + execute() + sync()),
            "1E[42939]Z[I]");
  EXPECT_EQ(client.pins, 0);
  EXPECT_EQ(client.server, nullptr);
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(query(GetParam())), "E[42939]Z[E]");
}

TEST_P(RelayReservedNames, AreRefusedInLongSql) {
  Rig rig;
  rig.piece_bytes = 1000;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query(GetParam() + std::string(20'000, ' '))), "E[FATAL 42939]");
}

INSTANTIATE_TEST_SUITE_P(
    Texts, RelayReservedNames,
    ::testing::Values("prepare tidegate_0123 as select 1", "PREPARE Tidegate_own(int) AS SELECT 1",
                      "prepare \"tidegate_x\" as select 1", "execute tidegate_0123(1)",
                      "explain analyze execute tidegate_0123",
                      "create table t as execute tidegate_0123", "deallocate tidegate_0123",
                      "deallocate prepare \"tidegate_0123\"",
                      "select 1; deallocate tidegate_0123; select 2"));

// By the protocol they are names like others, for the server knows them by its own.
TEST(RelayReservedName, IsAnotherOnTheServer) {
  Rig rig;
  auto& other = rig.user();
  other.ask(parse("t", "select theirs") + sync());
  const auto shared = rig.servers[0]->fake.first_statement();
  ASSERT_TRUE(shared.starts_with("tidegate_"));
  auto& client = rig.user();
  const auto use = binding("", shared) + execute() + sync();
  EXPECT_EQ(client.ask(use), "E[26000]Z[I]");
  EXPECT_EQ(client.ask(parse(shared, "select mine") + use), "12D[mine]C[SELECT 1]Z[I]");
  EXPECT_EQ(client.ask(query("deallocate " + shared)), "C[DEALLOCATE]Z[I]");
  EXPECT_EQ(client.ask(use), "E[26000]Z[I]");
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 2u);
}

TEST(RelayReservedName, IsNotClosedByAPinnedClient) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("t", "select t") + sync());
  const auto shared = rig.servers[0]->fake.first_statement();
  client.ask(query("listen x"));
  EXPECT_EQ(client.ask(close('S', shared) + sync()), "3Z[I]");
  EXPECT_EQ(rig.servers[0]->fake.first_statement(), shared);
}

TEST(RelayReservedName, IsNoneForAStatementThatLivesUnderIt) {
  session::RouteRules rules;
  rules.statement_bytes_max = 100;
  Rig rig(1, rules);
  auto& client = rig.user();
  const auto text = "select " + std::string(300, 'x');
  EXPECT_EQ(client.ask(parse("tidegate_0123", text) + sync()), "E[42939]Z[I]");
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 0u);
  EXPECT_EQ(client.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
}

}  // namespace
}  // namespace tidegate::postgres::testing
