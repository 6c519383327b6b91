// What a server reports that no client can set (in_hot_standby, is_superuser) is told as it stands
// on the server that a client has, and to those who log in without one as it was heard last.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

constexpr std::string_view kPromoted = "S[in_hot_standby=off]";

class RelayFacts : public ::testing::Test {
 protected:
  // As many servers of a standby as are wanted, logged in.
  void open_servers(int count) {
    for (int i = 0; i < count; ++i) {
      const auto number = static_cast<std::uint32_t>(rig.servers.size());
      rig.servers.push_back(std::make_unique<TestServer>(rig, 1000 + number));
    }
    rig.settle();
  }
  // What a server says that was asked nothing, as older ones do.
  void says(std::string_view name, std::string_view value, std::size_t server = 0) {
    std::string body(name);
    (body += '\0') += value;
    rig.servers[server]->incoming += frame('S', body + '\0');
    rig.settle();
  }
  TestClient& login(std::vector<std::pair<std::string, std::string>> parameters = {}) {
    auto& client = rig.client();
    client.login(std::move(parameters));
    return client;
  }
  // What somebody who logs in now is told.
  std::string told(std::string_view name) {
    const auto answers = login().answers();
    const auto at = answers.find("S[" + std::string(name) + "=");
    if (at == std::string::npos) return "nothing";
    const auto begin = at + 3 + name.size();
    return answers.substr(begin, answers.find(']', begin) - begin);
  }

  Rig rig{0};
};

class OnAStandby : public RelayFacts {
 protected:
  OnAStandby() {
    rig.database.standby = "on";
    open_servers(1);
  }
  void promote() { rig.database.standby = "off"; }
};

TEST_F(OnAStandby, EveryClientIsToldOnceThatItWasPromoted) {
  auto& a = rig.user();
  auto& b = rig.user();
  promote();
  EXPECT_TRUE(a.ask(query("select 1")).contains(kPromoted));
  EXPECT_TRUE(b.ask(query("select 1")).starts_with(kPromoted));
  EXPECT_EQ(a.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
  EXPECT_EQ(b.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
}

TEST_F(OnAStandby, ToldBehindSettingsThatWaitForTheirReply) {
  auto& a = rig.user();
  auto& b = rig.user({{"statement_timeout", "5000"}});
  promote();
  a.ask(query("select 1"));
  EXPECT_EQ(b.ask(query("show statement_timeout")), std::string(kPromoted) + "TD[5s]C[SHOW]Z[I]");
}

TEST_F(OnAStandby, LaterLoginsAreToldThatItWasPromoted) {
  auto& a = rig.user();
  EXPECT_EQ(told("in_hot_standby"), "on");
  promote();
  a.ask(query("select 1"));
  EXPECT_EQ(told("in_hot_standby"), "off");
}

TEST_F(OnAStandby, AnIdleServerTellsLaterLogins) {
  EXPECT_EQ(told("in_hot_standby"), "on");
  says("in_hot_standby", "off");
  EXPECT_EQ(told("in_hot_standby"), "off");
}

TEST_F(OnAStandby, TheServerOfATransactionTellsLaterLogins) {
  auto& a = rig.user();
  a.ask(query("begin"));
  says("in_hot_standby", "off");
  EXPECT_EQ(told("in_hot_standby"), "off");
}

TEST_F(OnAStandby, ANewServerTellsLaterLogins) {
  EXPECT_EQ(told("in_hot_standby"), "on");
  promote();
  open_servers(1);
  EXPECT_EQ(told("in_hot_standby"), "off");
}

// The first answer for new startup parameters comes from a server that tells more with it.
TEST_F(OnAStandby, ALoginThatAsksIsToldWhatItHears) {
  EXPECT_EQ(told("in_hot_standby"), "on");
  promote();
  const auto answers = login({{"statement_timeout", "5000"}}).answers();
  EXPECT_TRUE(answers.contains(kPromoted)) << answers;
  EXPECT_EQ(told("in_hot_standby"), "off");
}

TEST_F(OnAStandby, ItIsAskedWhenItMayHaveBeenPromotedUnseen) {
  EXPECT_EQ(told("in_hot_standby"), "on");
  promote();
  rig.servers_silent = true;
  auto& client = login();
  const auto answers = client.answers();
  EXPECT_TRUE(answers.contains(kPromoted)) << answers;
  EXPECT_EQ(client.wants_count, 1);
  EXPECT_EQ(client.server, nullptr);
  EXPECT_EQ(client.ask(query("select 1")), "TD[1]C[SELECT 1]Z[I]");
}

TEST_F(OnAStandby, WhoAsksAServerThatIsLostGetsAnother) {
  EXPECT_EQ(told("in_hot_standby"), "on");
  rig.servers_silent = true;
  rig.servers[0]->mute = true;
  auto& client = login();
  promote();
  rig.servers[0]->broken_by = Reason::server_lost;
  open_servers(1);
  EXPECT_TRUE(client.logged_in);
  EXPECT_TRUE(client.answers().contains(kPromoted));
}

TEST_F(OnAStandby, ItIsAskedForNothingWhileItsServersSpeak) {
  EXPECT_EQ(told("in_hot_standby"), "on");
  EXPECT_EQ(login().wants_count, 0);
}

// Logging in must not wake it.
TEST_F(RelayFacts, APrimaryIsBelieved) {
  rig.database.standby = "off";
  open_servers(1);
  EXPECT_EQ(told("in_hot_standby"), "off");
  rig.servers_silent = true;
  EXPECT_EQ(login().wants_count, 0);
}

// One host after the other, of which each says what it is.
TEST_F(OnAStandby, AClientIsToldWhatEachOfItsServersIs) {
  open_servers(1);
  says("in_hot_standby", "off", 1);
  auto& client = rig.user();
  const auto ask = [&](std::size_t server) {
    rig.servers[1 - server]->taken = true;
    rig.servers[server]->taken = false;
    return client.ask(query("select 1"));
  };
  EXPECT_EQ(ask(1), "TD[1]C[SELECT 1]Z[I]");
  EXPECT_EQ(ask(0), "S[in_hot_standby=on]TD[1]C[SELECT 1]Z[I]");
  EXPECT_EQ(ask(1), "S[in_hot_standby=off]TD[1]C[SELECT 1]Z[I]");
}

// A fact may come with a role that a session took: is_superuser does. This one stands for it.
class FactsOfASession : public RelayFacts {
 protected:
  FactsOfASession() { open_servers(1); }
};

TEST_F(FactsOfASession, InATransactionAreForNobodyElse) {
  auto& a = rig.user();
  a.ask(query("begin"));
  says("server_version", "16");
  EXPECT_EQ(a.answers(), "S[server_version=16]");
  EXPECT_EQ(told("server_version"), "15.9");
  says("server_version", "15.9");
  a.ask(query("commit"));
  EXPECT_EQ(told("server_version"), "15.9");
}

TEST_F(FactsOfASession, ThatOutliveItsTransactionAreForAll) {
  auto& a = rig.user();
  a.ask(query("begin"));
  says("server_version", "16");
  a.ask(query("commit"));
  EXPECT_EQ(told("server_version"), "16");
}

TEST_F(FactsOfASession, OfAPinnedOneAreForNobodyElse) {
  auto& a = rig.user();
  a.ask(query("listen c"));
  says("server_version", "16");
  EXPECT_EQ(told("server_version"), "15.9");
}

TEST_F(FactsOfASession, UnderItsOwnSettingsAreForNobodyElse) {
  auto& a = rig.user({{"statement_timeout", "5000"}});
  a.ask(query("select 1"));
  says("server_version", "16");
  EXPECT_EQ(told("server_version"), "15.9");
  auto& b = rig.user();
  EXPECT_EQ(b.ask(query("select 1")), "S[server_version=16]TD[1]C[SELECT 1]Z[I]");
}

}  // namespace
}  // namespace tidegate::postgres::testing
