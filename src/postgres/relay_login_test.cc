// What a client is told when it has logged in, and what its startup parameters come to.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

std::string value_of(std::string_view answers, std::string_view name) {
  const auto at = answers.find("S[" + std::string(name) + "=");
  if (at == std::string_view::npos) return "none";
  const auto begin = at + 3 + name.size();
  return std::string(answers.substr(begin, answers.find(']', begin) - begin));
}

TEST(RelayLogin, FirstClientLearnsFromAServer) {
  Rig rig;
  auto& client = rig.client();
  client.login();
  const auto answers = client.answers();
  EXPECT_EQ(value_of(answers, "server_version"), "15.9");
  EXPECT_EQ(value_of(answers, "TimeZone"), "Etc/UTC");
  EXPECT_TRUE(answers.ends_with("KZ[I]")) << answers;
  EXPECT_EQ(client.wants_count, 1);
  EXPECT_EQ(client.server, nullptr);
}

TEST(RelayLogin, LaterClientsNeedNoServer) {
  Rig rig;
  rig.client().login();
  auto& client = rig.client();
  client.login({{"application_name", "psql"}});
  EXPECT_EQ(client.wants_count, 0);
  EXPECT_EQ(value_of(client.answers(), "application_name"), "psql");
  EXPECT_EQ(client.ask(query("show application_name")), "TD[psql]C[SHOW]Z[I]");
}

TEST(RelayLogin, ParametersAreToldInPostgresSpelling) {
  Rig rig(2);
  auto& client = rig.client();
  client.login({{"client_encoding", "utf-8"}, {"datestyle", "iso"}, {"statement_timeout", "5000"}});
  const auto answers = client.answers();
  EXPECT_EQ(value_of(answers, "client_encoding"), "UTF8");
  EXPECT_EQ(value_of(answers, "DateStyle"), "ISO, MDY");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.ask(query("show statement_timeout")), "TD[5s]C[SHOW]Z[I]");
  }
}

TEST(RelayLogin, ParametersAreAskedOnce) {
  Rig rig(2);
  rig.client().login({{"statement_timeout", "5000"}});
  auto& client = rig.client();
  client.login({{"statement_timeout", "5000"}, {"application_name", "b"}});
  EXPECT_EQ(client.wants_count, 0);
  EXPECT_EQ(
      client.ask(query("show statement_timeout")).substr(0, 400).find("D[5s]") != std::string::npos,
      true);
}

// What a value comes to may depend on others, and those must not be another client's.
TEST(RelayLogin, ParametersAreReadAsByAFreshServer) {
  Rig rig;
  rig.user({{"datestyle", "German, DMY"}, {"statement_timeout", "5000"}}).ask(query("select 1"));
  auto& client = rig.client();
  client.login({{"datestyle", "iso"}});
  EXPECT_EQ(value_of(client.answers(), "DateStyle"), "ISO, MDY");
  EXPECT_EQ(rig.servers[0]->fake.setting("statement_timeout"), "0");
  EXPECT_EQ(client.ask(query("show datestyle") + query("show statement_timeout")),
            "TD[ISO, MDY]C[SHOW]Z[I]TD[0]C[SHOW]Z[I]");
  EXPECT_EQ(rig.user().ask(query("show datestyle")), "TD[ISO, MDY]C[SHOW]Z[I]");
}

TEST(RelayLogin, ParametersAreReadBehindNoBlock) {
  Rig rig;
  rig.user().ask(query("do statement_timeout = '7'"));
  auto& client = rig.user({{"timezone", "Asia/Tokyo"}});
  EXPECT_EQ(rig.servers[0]->fake.setting("statement_timeout"), "0");
  const auto replays = rig.traffic.settings_replays;
  EXPECT_EQ(client.ask(query("show timezone")), "TD[Asia/Tokyo]C[SHOW]Z[I]");
  EXPECT_EQ(rig.traffic.settings_replays, replays);
}

TEST(RelayLogin, ParametersAreNotReadByAServerThatCannotBePutRight) {
  Rig rig(2);
  auto& a = rig.user();
  a.ask(query("do statement_timeout = '7'"));
  a.ask(query("select 1"));
  rig.database.unlock_denied = true;
  auto& client = rig.user({{"timezone", "Asia/Tokyo"}});
  EXPECT_EQ(client.drops, 1);
  EXPECT_EQ(client.ask(query("show timezone") + query("show statement_timeout")),
            "TD[Asia/Tokyo]C[SHOW]Z[I]TD[0]C[SHOW]Z[I]");
}

TEST(RelayLogin, ARefusedParameterLeavesAServerThatIsRight) {
  Rig rig;
  rig.user().ask(query("do statement_timeout = '7'"));
  auto& refused = rig.client();
  refused.login({{"timezone", "nonsense"}});
  EXPECT_TRUE(refused.answers().ends_with("E[FATAL 22023]"));
  EXPECT_EQ(rig.user().ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]");
}

TEST(RelayLogin, CustomParametersDoNotLeak) {
  Rig rig;
  auto& a = rig.user({{"statement_timeout", "5000"}});
  auto& b = rig.user();
  EXPECT_EQ(a.ask(query("show statement_timeout")), "TD[5s]C[SHOW]Z[I]");
  EXPECT_EQ(b.ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]");
  EXPECT_EQ(a.ask(query("show statement_timeout")), "TD[5s]C[SHOW]Z[I]");
}

TEST(RelayLogin, RefusedParameterIsTheServersOwnError) {
  Rig rig;
  auto& client = rig.client();
  client.login({{"timezone", "nonsense"}});
  EXPECT_TRUE(client.answers().ends_with("E[FATAL 22023]"));
  EXPECT_EQ(client.closed_by, Reason::startup_parameter_refused);
  EXPECT_EQ(client.server, nullptr);
  auto& other = rig.client();
  other.login({{"no_such_thing", "1"}});
  EXPECT_TRUE(other.answers().ends_with("E[FATAL 42704]"));
}

TEST(RelayLogin, ResetGoesBackToTheStartupValues) {
  Rig rig(2);
  auto& client = rig.user({{"timezone", "Asia/Tokyo"}});
  client.ask(query("set TimeZone = 'Europe/Rome'"));
  client.ask(query("discard all"));
  EXPECT_EQ(client.ask(query("show timezone")), "TD[Asia/Tokyo]C[SHOW]Z[I]");
  client.ask(query("begin"));
  client.ask(query("reset all"));
  EXPECT_EQ(client.ask(query("show timezone")), "TD[Asia/Tokyo]C[SHOW]Z[T]");
}

TEST(RelayLogin, ReplayThatFailsIsToldBeforeAnythingRuns) {
  Rig rig;
  auto& client = rig.client();
  auto snapshot = std::make_shared<RouteSnapshot>(Parameters{{"TimeZone", "Etc/UTC"}});
  rig.snapshot =
      snapshot->with({{"no_such_thing", "1"}}, Settings::make({{"no_such_thing", "1", true}}));
  client.login({{"no_such_thing", "1"}});
  client.answers();
  EXPECT_EQ(client.ask(query("insert a")), "E[FATAL 58000]");
  EXPECT_EQ(client.drops, 1);
  EXPECT_TRUE(rig.database.rows.empty());
}

// Its conversation lives until the turn is settled, and by then its server may be somebody else's.
TEST(RelayLogin, WhoEndsWhileParametersAreReadLetsGoOfTheServer) {
  Rig rig;
  rig.user();
  auto& leaving = rig.client();
  auto& server = *rig.servers[0];
  server.mute = true;
  leaving.login({{"statement_timeout", "5000"}});
  leaving.conversation->client_finished(rig.turn());
  EXPECT_EQ(leaving.closed_by, Reason::client_gone);
  leaving.server = nullptr;
  EXPECT_TRUE(server.conversation->abandon(rig.turn()));
  server.mute = false;
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
  EXPECT_EQ(server.fake.setting("statement_timeout"), "0");
  server.taken = false;
  auto& next = rig.user();
  next.ask(query("begin"));
  leaving.conversation.reset();
  EXPECT_EQ(next.ask(query("commit")), "C[COMMIT]Z[I]");
}

TEST(RelayLogin, SmallEnoughToHaveMany) {
  EXPECT_LE(sizeof(ClientConversation) + sizeof(Session), 352u);
}

}  // namespace
}  // namespace tidegate::postgres::testing
