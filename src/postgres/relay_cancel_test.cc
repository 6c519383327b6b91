// What a cancel may reach: the request that the client meant, and nothing else. Numbers are those
// of the traps in the field study of poolers.
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

// A cancel that comes while the settings are put in place must not hit those: what stands behind
// them would run without.
TEST(RelayCancel, Trap17_NoCancelReachesTheReplay) {
  Rig rig;
  rig.user().ask(query("set TimeZone = 'Asia/Tokyo'"));
  auto& client = rig.user();
  auto& server = *rig.servers[0];
  server.mute = true;
  client.send(query("show timezone"));
  EXPECT_TRUE(server.conversation->busy());
  EXPECT_FALSE(server.conversation->cancellable());
  server.mute = false;
  rig.settle();
  EXPECT_FALSE(server.conversation->busy());
  server.mute = true;
  client.send(query("show timezone"));
  EXPECT_TRUE(server.conversation->cancellable());
}

TEST(RelayCancel, Trap17_OnlyTheLastRequestOfALostClientIsCancelled) {
  Rig rig;
  auto& client = rig.user();
  auto& server = *rig.servers[0];
  server.mute = true;
  client.send(query("begin") + query("insert a"));
  EXPECT_TRUE(server.conversation->cancellable());
  EXPECT_TRUE(rig.lose(client));
  EXPECT_FALSE(server.conversation->cancellable());
  server.conversation->from_server(
      as_bytes(frame('C', std::string("BEGIN\0", 6)) + frame('Z', "T")), rig.turn());
  EXPECT_TRUE(server.conversation->cancellable());
}

// By this number the proxy knows whether the request that a cancel was for is over.
TEST(RelayCancel, Trap17_EveryRequestHasItsNumber) {
  Rig rig;
  auto& client = rig.user({{"TimeZone", "Asia/Tokyo"}});
  rig.user().ask(query("select 1"));
  const auto& server = *rig.servers[0]->conversation;
  const auto ended = [&, before = server.requests_ended()] {
    return server.requests_ended() - before;
  };
  client.ask(query("begin"));  // and our own query before it, for the time zone
  EXPECT_EQ(ended(), 1u);
  client.ask(query("select 1") + query("select 2"));
  EXPECT_EQ(ended(), 3u);
  client.ask(parse("", "select 1") + binding("", "") + execute() + flush());
  EXPECT_EQ(ended(), 3u);
  client.ask(sync());
  EXPECT_EQ(ended(), 4u);
}

}  // namespace
}  // namespace tidegate::postgres::testing
