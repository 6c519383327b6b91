// What the relay refuses, bounds, or lets a pool mode decide.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

TEST(RelayLimits, NoServerEndsTheClientBecauseWhatStandsBehindMayDependOnIt) {
  Rig rig(0);
  auto& client = rig.client();
  rig.snapshot = std::make_shared<RouteSnapshot>(Parameters{{"server_version", "15"}});
  client.login();
  client.answers();
  client.send(query("select 1"));
  ASSERT_TRUE(std::exchange(client.wants, false));
  client.conversation->refused({.reason = Reason::pool_timeout}, rig.turn());
  rig.settle();
  EXPECT_EQ(client.answers(), "E[FATAL 53300]");
}

TEST(RelayLimits, ACancelledWaitIsToldInBand) {
  Rig rig(0);
  auto& client = rig.client();
  rig.snapshot = std::make_shared<RouteSnapshot>(Parameters{{"server_version", "15"}});
  client.login();
  client.answers();
  client.send(query("select 1"));
  ASSERT_TRUE(std::exchange(client.wants, false));
  client.conversation->refused({.reason = Reason::cancelled}, rig.turn());
  rig.settle();
  EXPECT_EQ(client.answers(), "E[57014]Z[I]");
  client.send(parse("", "select 1") + binding("", "") + execute() + sync());
  ASSERT_TRUE(std::exchange(client.wants, false));
  client.conversation->refused({.reason = Reason::cancelled}, rig.turn());
  rig.settle();
  EXPECT_EQ(client.answers(), "E[57014]Z[I]");
  EXPECT_TRUE(client.conversation->at_rest());
}

TEST(RelayLimits, ServerStatementsAreBounded) {
  session::RouteRules rules;
  rules.server_statements_max = 3;
  Rig rig(1, rules);
  auto& client = rig.user();
  for (int i = 0; i < 10; ++i) {
    const auto name = "s" + std::to_string(i);
    EXPECT_EQ(client.ask(parse(name, "select " + name) + sync()), "1Z[I]");
  }
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 3u);
  EXPECT_EQ(client.ask(binding("", "s0") + execute() + sync()), "2D[s0]C[SELECT 1]Z[I]");
}

TEST(RelayLimits, ClientStatementsAreBounded) {
  session::RouteRules rules;
  rules.client_statements_max = 1;
  Rig rig(1, rules);
  auto& client = rig.user();
  client.ask(parse("a", "select 1") + sync());
  EXPECT_EQ(client.ask(parse("b", "select 2") + sync()), "E[53400]Z[I]");
}

// However few they are: a text of many clients counts for each of them.
TEST(RelayLimits, TheBytesOfAClientsStatementsAreBounded) {
  session::RouteRules rules;
  rules.client_statement_bytes_max = 40;
  Rig rig(1, rules);
  auto& client = rig.user();
  const std::string text = "select '23456789'";  // 20 bytes with its end and the count of types
  EXPECT_EQ(client.ask(parse("a", text) + parse("b", text) + sync()), "11Z[I]");
  EXPECT_EQ(client.ask(parse("c", "select 1") + sync()), "E[53400]Z[I]");
  EXPECT_EQ(client.ask(parse("", text) + sync()), "1Z[I]") << "one at a time";
  EXPECT_EQ(client.ask(close('S', "a") + parse("c", "select 1") + sync()), "31Z[I]");
  EXPECT_EQ(client.ask(parse("d", text) + sync()), "E[53400]Z[I]");
  EXPECT_EQ(client.ask(query("deallocate all") + parse("d", text) + sync()),
            "C[DEALLOCATE ALL]Z[I]1Z[I]");
  EXPECT_EQ(rig.user().ask(parse("a", text) + sync()), "1Z[I]");
}

TEST(RelayLimits, StatementModeRefusesTransactions) {
  session::RouteRules rules;
  rules.mode = PoolMode::statement;
  Rig rig(1, rules);
  auto& client = rig.user();
  EXPECT_EQ(client.ask(query("begin")), "E[0A000]Z[I]");
  EXPECT_EQ(client.ask(parse("", "begin") + binding("", "") + execute() + sync()), "1E[0A000]Z[I]");
  EXPECT_EQ(client.ask(parse("b", "begin") + binding("", "b") + execute() + sync()),
            "1E[0A000]Z[I]");
  EXPECT_EQ(client.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
}

TEST(RelayLimits, SessionModeKeepsTheServer) {
  session::RouteRules rules;
  rules.mode = PoolMode::session;
  Rig rig(2, rules);
  auto& client = rig.user();
  client.ask(query("select 1"));
  EXPECT_NE(client.server, nullptr);
  client.ask(query("set statement_timeout = '3'"));
  EXPECT_EQ(client.ask(query("show statement_timeout")), "TD[3]C[SHOW]Z[I]");
}

TEST(RelayLimits, VerifyIsAnswered) {
  Rig rig;
  rig.servers[0]->conversation->verify(rig.turn());
  rig.settle();
  EXPECT_EQ(rig.servers[0]->verifications, 1);
}

TEST(RelayLimits, EveryCutGivesTheSameAnswers) {
  const std::string talk = parse("s", "select $1") + describe('S', "s") + sync() +
                           binding("", "s", "v") + execute() + close('S', "s") + sync() +
                           query("set TimeZone = 'Asia/Tokyo'") + query("notice") +
                           parse("", "fail") + binding("", "") + execute() + sync() +
                           query("copy out") + query("show timezone");
  std::string whole;
  for (std::size_t piece = 1; piece <= 300; ++piece) {
    Rig rig(2);
    auto& client = rig.user();
    rig.piece_bytes = piece == 1 ? 1 << 20 : piece - 1;
    client.send(talk);
    if (piece == 1) whole = client.received;
    EXPECT_EQ(client.received, whole) << "cut every " << piece - 1 << " bytes";
  }
}

TEST(RelayLimits, DepthOfAPipelineIsBounded) {
  Rig rig;
  auto& client = rig.user();
  std::string requests = parse("", "select 1");
  for (int i = 0; i < 15'000; ++i) requests += binding("", "") + execute();
  client.send(requests + sync());
  EXPECT_TRUE(client.answers().ends_with("C[SELECT 1]Z[I]"));
  EXPECT_EQ(client.server, nullptr);
}

TEST(RelayLimits, UnknownMessageEndsTheConversation) {
  Rig rig;
  auto& client = rig.user();
  EXPECT_EQ(client.ask(frame('y', "")), "E[FATAL 08P01]");
  EXPECT_EQ(client.closed_by, Reason::protocol_violation);
}

}  // namespace
}  // namespace tidegate::postgres::testing
