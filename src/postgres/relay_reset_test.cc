// RESET through the relay: a session goes back to what its client had at login, in every form and
// whatever becomes of the transaction, and sees nothing of how that is done.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

const Parameters kAtStartup = {
    {"timezone", "Asia/Tokyo"}, {"statement_timeout", "5000"}, {"application_name", "app"}};

std::string extended(std::string_view text) {
  return parse("", text) + binding("", "") + execute();
}
const std::string kSetLima = query("set TimeZone = 'America/Lima'");
const std::string kSetLimaToo = extended("set TimeZone = 'America/Lima'");
const std::string kShow = query("show timezone") + query("show statement_timeout");

struct Story {
  const char* name;
  std::vector<std::string> requests;
};

// What Tidegate sends along with it is cancelled. Servers differ in what becomes of the DISCARD
// ALL.
TEST(RelayReset, AServerWhoseDiscardMayBeTakenBackIsNotUsedAgain) {
  Rig rig(2);
  auto& client = rig.user({{"timezone", "Asia/Tokyo"}});
  client.ask(query("listen x"));
  auto& server = *client.server;
  server.mute = true;
  client.send(query("discard all"));
  const auto done = frame('C', std::string_view("DISCARD ALL", 12));
  const auto error = frame('E', std::string_view("SERROR\0VERROR\0C57014\0Mcanceled\0", 32));
  const auto replies = frame('3', "") + frame('1', "") + frame('2', "") + done + frame('3', "") +
                       frame('3', "") + frame('3', "") + frame('1', "") + frame('2', "") + error +
                       frame('Z', "I");
  server.conversation->from_server(as_bytes(replies), rig.turn());
  EXPECT_EQ(client.answers(), "C[DISCARD ALL]E[57014]Z[I]");
  EXPECT_EQ(client.drops, 1);
}

const Story kStories[] = {
    {"Reset", {kSetLima, query("reset timezone"), kShow}},
    {"SetToDefault", {kSetLima, query("SET TimeZone TO DEFAULT"), kShow}},
    {"ResetAll", {kSetLima, query("reset all"), kShow}},
    {"DiscardAll", {kSetLima, query("discard all"), kShow}},
    {"ResetOfNothing", {query("reset all"), query("reset application_name"), kShow}},
    {"ResetOfUnreported", {query("reset statement_timeout"), kShow}},
    {"Extended", {kSetLima, extended("reset timezone") + sync(), kShow}},
    {"ExtendedAll", {kSetLima, extended("reset all") + extended("show timezone") + sync(), kShow}},
    {"ExtendedDiscard", {kSetLima, extended("discard all") + sync(), kShow}},
    {"Named",
     {kSetLima, parse("r", "reset timezone") + sync(), binding("p", "r") + execute("p") + sync(),
      kSetLima + binding("", "r") + execute() + sync(), kShow}},
    {"Flushed", {kSetLima, extended("reset all") + flush(), extended("show timezone") + sync()}},
    {"Multi", {query("set TimeZone = 'America/Lima'; reset timezone; show timezone"), kShow}},
    {"MultiAllAtTheEnd", {kSetLima, query("select a; reset all"), kShow}},
    {"MultiThatFails", {kSetLima, query("reset all; fail"), kShow}},
    {"MultiTransaction", {kSetLima, query("begin; reset all; show timezone; rollback"), kShow}},
    {"RolledBack", {kSetLima, query("begin"), query("reset all"), kShow, query("rollback"), kShow}},
    {"Committed", {kSetLima, query("begin"), query("reset all"), query("commit"), kShow}},
    {"InAFailedTransaction",
     {kSetLima, query("begin"), query("fail"), query("reset all"), query("rollback"), kShow}},
    {"DiscardInATransaction",
     {kSetLima, query("begin"), query("discard all"), query("rollback"), kShow}},
    {"BehindAnError",
     {kSetLima, extended("fail") + extended("reset all") + sync(), kShow,
      extended("fail") + query("reset all") + sync(), kShow}},
    {"InAPipelineThatFails", {kSetLima, extended("reset all") + extended("fail") + sync(), kShow}},
    {"Pipelined",
     {kSetLima + query("reset all") + kShow + kSetLima + query("discard all") + kShow}},
    {"PortalBoundAnew",
     {kSetLima, query("begin"),
      extended("reset timezone") + kSetLimaToo + extended("select a") + sync(), query("commit"),
      kShow}},
    {"NamedPortalBoundAnew",
     {kSetLima, query("begin"),
      parse("r", "reset timezone") + binding("p", "r") + close('P', "p") + parse("", "select a") +
          binding("p", "") + execute("p") + sync(),
      kShow, query("commit"), kShow}},
    {"PortalBoundTwice",
     {kSetLima, query("begin"),
      parse("r", "reset timezone") + binding("p", "r") + binding("p", "r") + execute("p") + sync(),
      query("rollback"), kShow}},
    {"UnnamedStatementIsGone",
     {parse("", "select a") + sync(), query("reset all"), binding("", "") + sync(),
      extended("select b") + flush() + query("reset timezone") + execute() + sync()}},
};

class RelayReset : public ::testing::TestWithParam<Story> {};

TEST_P(RelayReset, LooksAsItDoesDirectly) {
  FakeDatabase database;
  DirectClient direct(database, kAtStartup);
  Rig rig(2);
  auto& pooled = rig.user(kAtStartup);
  auto& other = rig.user();
  for (const auto& request : GetParam().requests) {
    direct.send(request);
    EXPECT_EQ(pooled.ask(request), direct.answers());
    EXPECT_EQ(other.ask(kShow), "TD[Etc/UTC]C[SHOW]Z[I]TD[0]C[SHOW]Z[I]");
  }
  EXPECT_EQ(pooled.pins, 0);
}

TEST_P(RelayReset, LooksAsItDoesDirectlyCutIntoBytes) {
  FakeDatabase database;
  DirectClient direct(database, kAtStartup);
  Rig rig(1);
  auto& pooled = rig.user(kAtStartup);
  rig.piece_bytes = 1;
  for (const auto& request : GetParam().requests) {
    direct.send(request);
    EXPECT_EQ(pooled.ask(request), direct.answers());
  }
}

INSTANTIATE_TEST_SUITE_P(Stories, RelayReset, ::testing::ValuesIn(kStories),
                         [](const auto& story) { return std::string(story.param.name); });

TEST(RelayReset, AsksForNothingThatTheServerHasByItself) {
  Rig rig;
  auto& client = rig.user({{"client_encoding", "utf-8"}});
  const auto before = rig.servers[0]->fake.seen();
  client.ask(query("reset all"));
  EXPECT_EQ(rig.servers[0]->fake.seen(), before + "Q");
}

// What cannot be looked up is bound in the same portal: it resets nothing.
class APortalThatReset : public ::testing::Test {
 protected:
  APortalThatReset() {
    client.ask(parse("s", "select $1") + sync());
    client.ask(kSetLima);
    client.ask(query("begin"));
  }
  static session::RouteRules rules() {
    session::RouteRules rules;
    rules.statement_bytes_max = 100;
    return rules;
  }
  const std::string text = std::string(300, 'x');
  const std::string row = "D[" + text + "]C[SELECT 1]";
  Rig rig{2, rules()};
  TestClient& client = rig.user(kAtStartup);
};

TEST_F(APortalThatReset, ThenRunsALongUnnamedStatement) {
  client.ask(extended("reset timezone") + kSetLimaToo + sync());
  client.ask(parse("", "reset timezone") + binding("", "") + sync());
  EXPECT_EQ(client.ask(extended("select " + text) + sync()), "12" + row + "Z[T]");
  EXPECT_EQ(client.ask(query("show timezone")), "TD[America/Lima]C[SHOW]Z[T]");
}

TEST_F(APortalThatReset, ThenRunsALongNamedStatement) {
  client.ask(parse("long", "select " + text) + sync());
  client.ask(parse("", "reset timezone") + binding("", "") + sync());
  EXPECT_EQ(client.ask(binding("", "long") + execute() + sync()), "2" + row + "Z[T]");
  EXPECT_EQ(client.ask(query("show timezone")), "TD[America/Lima]C[SHOW]Z[T]");
}

TEST_F(APortalThatReset, OrDeallocatedThenRunsALongStatement) {
  client.ask(parse("long", "select " + text) + sync());
  client.ask(parse("", "deallocate s") + binding("", "") + sync());
  EXPECT_EQ(client.ask(binding("", "long") + execute() + sync()), "2" + row + "Z[T]");
  client.ask(parse("", "deallocate s") + binding("", "") + sync());
  EXPECT_EQ(client.ask(extended("select " + text) + sync()), "12" + row + "Z[T]");
  EXPECT_EQ(client.ask(binding("", "s", "v") + execute() + sync()), "2D[v]C[SELECT 1]Z[T]");
}

// A cursor that was declared in SQL is a portal too.
TEST_F(APortalThatReset, AndWasClosedIsForgotten) {
  client.ask(parse("", "reset timezone") + binding("p", "") + close('P', "p") + sync());
  rig.servers[0]->fake.declare("p", "select r");
  rig.servers[1]->fake.declare("p", "select r");
  EXPECT_EQ(client.ask(execute("p") + sync()), "D[r]C[SELECT 1]Z[T]");
  EXPECT_EQ(client.ask(query("show timezone")), "TD[America/Lima]C[SHOW]Z[T]");
}

TEST_F(APortalThatReset, EndsWithItsTransaction) {
  client.ask(query("listen x"));
  client.ask(query("commit"));
  EXPECT_EQ(client.pinned_by, "listen");
  client.ask(parse("r", "reset timezone") + parse("d", "deallocate none") + sync());
  for (int i = 0; i < 150; ++i) {
    const auto portal = "p" + std::to_string(i);
    const auto answers = client.ask(binding(portal, "r") + execute(portal) + sync());
    EXPECT_TRUE(answers.starts_with("2C[RESET]")) << answers;
    client.ask(binding(portal, "d") + sync());
  }
  client.ask(query("begin"));
  client.ask(kSetLima);
  rig.servers[0]->fake.declare("p0", "select r");
  rig.servers[1]->fake.declare("p0", "select r");
  EXPECT_EQ(client.ask(execute("p0") + sync()), "D[r]C[SELECT 1]Z[T]");
  EXPECT_EQ(client.ask(query("show timezone")), "TD[America/Lima]C[SHOW]Z[T]");
}

TEST(RelayReset, AVeryLongQueryIsRefused) {
  Rig rig(2);
  rig.piece_bytes = 1000;
  auto& client = rig.user(kAtStartup);
  client.send(query("select " + std::string(20'000, 'x') + "; reset all"));
  EXPECT_EQ(client.answers(), "E[FATAL 0A000]");
  EXPECT_EQ(client.closed_by, Reason::feature_refused);
}

}  // namespace
}  // namespace tidegate::postgres::testing
