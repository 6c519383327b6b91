// What must not outlive its request, its link or its client: the rest of a message that was
// refused, what a lost client had sent ahead, an answer that nobody but Tidegate owes.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

// With so much of it a message is begun that is too large to be kept.
constexpr std::size_t kBegunAt = 8192;

// A large Bind whose second piece reads as requests.
std::string bind_that_hides(std::string_view statement, const std::string& requests) {
  const auto head = binding("", statement, "x").size() - 3;  // up to its only value
  // The count of formats behind the value becomes the body of a message that nobody minds.
  const auto value = std::string(kBegunAt - head, 'x') + requests + frame('d', "  ").substr(0, 5);
  return binding("", statement, value);
}

TEST(RelayEnds, Trap01_TheRestOfARefusedBindIsNoRequest) {
  const auto hidden = sync() + query("insert hidden");
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "listen a") + parse("", "listen a") + sync());
  rig.pins_left = false;
  rig.piece_bytes = kBegunAt;
  for (const auto* statement : {"s", ""}) {
    EXPECT_EQ(client.ask(bind_that_hides(statement, hidden) + sync()), "E[53300]Z[I]");
  }
  EXPECT_EQ(client.ask(bind_that_hides("tidegate_x", hidden) + sync()), "E[26000]Z[I]");
  EXPECT_TRUE(rig.database.rows.empty());
  EXPECT_EQ(rig.servers[0]->broken_by, Reason::none);
}

// What it left behind its DISCARD ALL is still there.
TEST(RelayEnds, Trap15_DiscardAllOfALostClientDiscardsWhatWasBeforeIt) {
  for (const auto* last : {"set statement_timeout = '3'", "do statement_timeout = '3'"}) {
    Rig rig;
    auto& leaving = rig.user();
    auto& server = *rig.servers[0];
    server.mute = true;
    leaving.send(query("discard all") + query(last));
    EXPECT_TRUE(rig.lose(leaving));
    server.mute = false;
    rig.settle();
    EXPECT_EQ(server.cleanings, 1);
    server.taken = false;
    auto& next = rig.user();
    EXPECT_EQ(next.ask(query("show statement_timeout")), "TD[0]C[SHOW]Z[I]") << last;
  }
}

// Of what is put on a server behind a DEALLOCATE ALL nobody would know any more.
TEST(RelayEnds, Trap09_NothingIsPutBehindADeallocateAll) {
  for (const auto& use : {binding("", "s") + execute(), describe('S', "s")}) {
    Rig rig(2);
    auto& client = rig.user();
    client.ask(parse("s", "select 1") + sync());
    EXPECT_EQ(client.ask(query("deallocate all; select 2") + use + sync()),
              "C[DEALLOCATE ALL]TD[2]C[SELECT 1]Z[I]E[26000]Z[I]");
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(rig.user().ask(parse("t", "select 1") + binding("", "t") + execute() + sync()),
                "12D[1]C[SELECT 1]Z[I]");
    }
  }
}

// A server that lost the statement unseen would take the second text for it, and so would everybody
// who shares the first.
TEST(RelayEnds, Trap06_ATextIsNeverPutUnderAnothersName) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select 1") + sync());
  client.ask(query("do deallocate all"));
  EXPECT_EQ(client.ask(parse("s", "select 2") + sync()), "E[42P05]Z[I]");
  EXPECT_EQ(rig.user().ask(parse("t", "select 1") + sync()), "1Z[I]");
  EXPECT_EQ(client.ask(binding("", "s") + execute() + sync()), "2D[1]C[SELECT 1]Z[I]");
}

// Whoever waits for the server's replies before it goes on must not wait for one of ours.
TEST(RelayEnds, Trap03_NobodyWaitsForAnAnswerThatOnlyTidegateOwes) {
  Rig rig;
  auto& client = rig.user();
  client.ask(parse("s", "select 1") + sync());
  client.ask(query("begin"));
  EXPECT_EQ(client.ask(close('S', "s") + query("deallocate t")), "3E[26000]Z[E]");
  client.ask(query("rollback"));
  client.ask(parse("s", "select 1") + sync());
  EXPECT_EQ(client.ask(parse("t", "select 1") + query("deallocate s")), "1C[DEALLOCATE]Z[I]");
  EXPECT_EQ(client.server, nullptr);
}

TEST(RelayEnds, Trap03_AStatementIsReplacedInASessionThatDiscardedAll) {
  session::RouteRules rules;
  rules.mode = PoolMode::session;
  Rig rig(1, rules);
  auto& client = rig.user();
  client.ask(query("discard all"));
  client.ask(parse("s", "select 1") + sync());
  EXPECT_EQ(client.ask(close('S', "s") + parse("s", "select 2") + sync()), "31Z[I]");
}

// Who ends with such an answer leaves a server that owes nothing.
TEST(RelayEnds, Trap15_AnAnswerOfOursHoldsNoServer) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin"));
  auto& server = *client.server;
  client.send(close('S', "s") + frame('X', ""));
  EXPECT_EQ(client.closed_by, Reason::client_gone);
  EXPECT_TRUE(server.conversation->abandon(rig.turn()));
  rig.settle();
  EXPECT_EQ(server.cleanings, 1);
}

// The error would be taken for the rest of the row.
TEST(RelayEnds, Trap29_NoErrorIsWrittenIntoARow) {
  for (const bool violates : {false, true}) {
    Rig rig;
    auto& client = rig.user();
    auto& server = *rig.servers[0];
    server.mute = true;
    client.send(query("select " + std::string(1000, 'x')));
    const auto part = server.incoming.substr(0, 500);
    server.conversation->from_server(as_bytes(part), rig.turn());
    if (violates) {
      client.send(frame('y', ""));
    } else {
      client.conversation->dismiss(Reason::shutting_down, rig.turn());
    }
    EXPECT_EQ(client.received, part);
    EXPECT_EQ(client.closed_by, violates ? Reason::protocol_violation : Reason::shutting_down);
  }
}

// A portal may run long after its Bind was answered, and what it does then counts for what is
// parsed behind it.
TEST(RelayEnds, Trap08_ASettingChangesWhenItsPortalRuns) {
  for (const auto* portal : {"", "p"}) {
    Rig rig;
    auto& client = rig.user();
    client.ask(query("begin"));
    client.ask(parse("", "set TimeZone = 'Asia/Tokyo'") + binding(portal, "") + sync());
    client.ask(execute(portal) + parse("s", "select now") + sync());
    client.ask(query("commit"));
    rig.user().ask(parse("s", "select now") + sync());
    EXPECT_EQ(rig.servers[0]->fake.statement_count(), 2u) << portal;
  }
}

// ROLLBACK TO takes settings back too; the fake, which knows no savepoints, takes all of them.
TEST(RelayEnds, Trap08_ATextBehindARollbackToIsReadAsBefore) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin") + query("set TimeZone = 'Asia/Tokyo'"));
  client.ask(query("rollback to a") + parse("s", "select now") + sync());
  rig.user().ask(parse("s", "select now") + sync());
  EXPECT_EQ(rig.servers[0]->fake.statement_count(), 1u);
}

TEST(RelayEnds, Trap13_ARollbackToHidesNoSet) {
  Rig rig;
  auto& client = rig.user();
  client.ask(query("begin") + query("set standard_conforming_strings = 'off'"));
  client.ask(query("rollback to a") + query("select 'x\\'; listen x; --'"));
  EXPECT_EQ(client.pinned_by, "listen");
}

// It waits for what was sent before it, and that its sender says no more changes nothing.
TEST(RelayEnds, Trap20_AMessageThatWaitsIsNotLostByAHalfClose) {
  const auto set = parse("", "set TimeZone = 'Asia/Tokyo'") + binding("", "") + execute();
  const auto copy = parse("", "copy in") + binding("", "") + execute();
  for (const auto& [before, rows] : {std::pair{set, 1u}, std::pair{set + copy, 0u}}) {
    Rig rig;
    auto& client = rig.user();
    auto& server = *rig.servers[0];
    server.mute = true;
    client.send(before + query("insert 'a'"));
    client.conversation->client_finished(rig.turn());
    EXPECT_EQ(client.closed_by, Reason::none);
    server.mute = false;
    rig.settle();
    EXPECT_EQ(client.closed_by, Reason::client_gone);
    EXPECT_EQ(rig.database.rows.size(), rows);
  }
}

// PostgreSQL tells of a SET with the next ReadyForQuery. Until then nobody knows where a string
// ends.
TEST(RelayEnds, Trap13_ASettingThatIsNotToldYetHidesNoSet) {
  const std::string text = "select 'a\\' || '; set statement_timeout = 7; --'";
  const auto change =
      parse("", "set standard_conforming_strings = 'off'") + binding("", "") + execute() + flush();
  for (const auto& hiding : {query(text), parse("s", text) + sync(), parse("", text) + sync(),
                             query(text + std::string(10'000, ' '))}) {
    Rig rig;
    auto& client = rig.user();
    EXPECT_EQ(client.ask(change), "12C[SET]");
    rig.piece_bytes = 9000;
    client.send(hiding);
    EXPECT_EQ(client.pinned_by, "unreadable name");
  }
}

TEST(RelayEnds, Trap13_WhatReadsAlikeIsNotPinned) {
  const auto set = [](const char* text) {
    return parse("", text) + binding("", "") + execute() + flush();
  };
  for (const auto& [change, text] : {std::pair{"set standard_conforming_strings = 'off'", "a"},
                                     std::pair{"set TimeZone = 'Asia/Tokyo'", "a\\"}}) {
    Rig rig;
    auto& client = rig.user();
    client.ask(set(change));
    client.ask(parse("", "select " + std::string(text)) + binding("", "") + execute() + sync());
    EXPECT_EQ(client.pins, 0) << change;
    EXPECT_EQ(client.server, nullptr) << change;
  }
}

}  // namespace
}  // namespace tidegate::postgres::testing
