#include "postgres/channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/postgres_scanner.h"

namespace tidegate::postgres {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

sql::Effects effects_of(std::string_view text) {
  return sql::PostgresScanner::scan(as_bytes(text));
}

session::NotificationRef notification(std::string channel, std::string_view message) {
  session::Notification made{std::move(channel), {}};
  made.message.assign(message.begin(), message.end());
  return std::make_shared<const session::Notification>(std::move(made));
}

// A row of the answer.
ByteBuffer row(std::string_view channel) {
  ByteBuffer out;
  ByteWriter(out).be16(1).be32(static_cast<std::uint32_t>(channel.size())).text(channel);
  return out;
}

class ChannelsTest : public testing::Test {
 protected:
  // A text runs, and this is what the server says behind it.
  Channels::Difference run(std::string_view text, std::initializer_list<std::string_view> now) {
    if (auto missing = channels_.missing(effects_of(text)); !missing.empty()) {
      channels_.answered_by_listener({channels_.ask_listener(missing), true, "UTF8"});
    }
    channels_.change();
    return answer(now);
  }
  Channels::Difference answer(std::initializer_list<std::string_view> now) {
    channels_.begin_answer(true);
    for (const auto channel : now) channels_.take_row(row(channel));
    return channels_.answered();
  }
  std::string told() {
    ByteBuffer out;
    channels_.tell(out);
    return std::string(as_text(out));
  }

  Channels channels_;
};

TEST_F(ChannelsTest, TheListenerIsAskedForWhatIsNew) {
  EXPECT_THAT(channels_.missing(effects_of("LISTEN a; LISTEN \"B\"; LISTEN a; UNLISTEN c")),
              ElementsAre("a", "B"));
  run("LISTEN a", {"a"});
  EXPECT_THAT(channels_.missing(effects_of("LISTEN a; LISTEN b")), ElementsAre("b"));
  EXPECT_THAT(channels_.missing(effects_of("UNLISTEN a")), IsEmpty());
}

TEST_F(ChannelsTest, WhatTheServerSaysIsTheSet) {
  EXPECT_THAT(run("LISTEN a; LISTEN b", {"a", "b"}).lost, IsEmpty());
  EXPECT_THAT(channels_.heard(), ElementsAre("a", "b"));
  EXPECT_EQ(channels_.sql(), "LISTEN \"a\";LISTEN \"b\";");
  EXPECT_THAT(run("LISTEN c; ROLLBACK", {"a", "b"}).lost, ElementsAre("c"));
  EXPECT_THAT(run("UNLISTEN a", {"b"}).lost, ElementsAre("a"));
  EXPECT_THAT(run("DO 'hidden'", {"b", "d"}).late, ElementsAre("d"));
  EXPECT_THAT(run("UNLISTEN *", {}).lost, ElementsAre("b", "d"));
  EXPECT_TRUE(channels_.over());
}

// It waits for the listener while the server of the last one is asked.
TEST_F(ChannelsTest, WhatIsStillToBeListenedToIsNotLost) {
  run("LISTEN a", {"a"});
  const auto request = channels_.ask_listener({"b"});
  EXPECT_THAT(answer({"a"}).lost, IsEmpty());
  EXPECT_THAT(channels_.missing(effects_of("LISTEN b")), IsEmpty());
  EXPECT_TRUE(channels_.answered_by_listener({request, true, "UTF8"}));
  EXPECT_FALSE(channels_.answered_by_listener({request - 1, false, ""})) << "an older one";
  EXPECT_FALSE(channels_.denied());
}

TEST_F(ChannelsTest, ItsServerHasThemUntilItForgets) {
  EXPECT_FALSE(channels_.lack()) << "of nothing";
  run("LISTEN a", {"a"});
  EXPECT_TRUE(channels_.lack());
  channels_.put();
  EXPECT_FALSE(channels_.lack());
  channels_.begin_answer(false);
  EXPECT_FALSE(channels_.forgotten());
  channels_.begin_answer(true);
  EXPECT_TRUE(channels_.forgotten());
  channels_.put();
  channels_.unlinked();
  EXPECT_TRUE(channels_.lack()) << "on the next server";
}

TEST_F(ChannelsTest, NotificationsAreToldInOrder) {
  run("LISTEN a", {"a"});
  channels_.keep(notification("a", "1"));
  channels_.keep(notification("b", "2"));
  channels_.keep(notification("a", "3"));
  EXPECT_EQ(channels_.bytes_kept(), 2u);
  EXPECT_EQ(told(), "13");
  EXPECT_FALSE(channels_.has_news());
  EXPECT_EQ(channels_.bytes_kept(), 0u);
}

TEST_F(ChannelsTest, WhatCameBeforeTheListenWasSentIsNotForIt) {
  channels_.answered_by_listener({channels_.ask_listener({"a"}), true, "UTF8"});
  channels_.keep(notification("a", "1"));
  channels_.change();
  channels_.keep(notification("a", "2"));
  EXPECT_EQ(told(), "") << "it is not known yet whether it listens";
  channels_.forget_early();
  channels_.keep(notification("a", "3"));
  answer({"a"});
  EXPECT_EQ(told(), "3");
}

TEST_F(ChannelsTest, AWarningSaysThatSomeMayBeMissing) {
  channels_.miss();
  EXPECT_THAT(told(), testing::HasSubstr("notifications may have been missed"));
  EXPECT_EQ(told(), "");
}

TEST_F(ChannelsTest, AnAnswerThatIsTooLongFails) {
  channels_.begin_answer(true);
  for (std::size_t i = 0; i <= Channels::kChannelsMax; ++i) channels_.take_row(row("a"));
  EXPECT_TRUE(channels_.failed());
}

TEST_F(ChannelsTest, AServerOfItsOwnTakesOver) {
  run("LISTEN a", {"a"});
  channels_.ask_listener({"b"});
  channels_.keep(notification("a", "1"));
  EXPECT_THAT(channels_.move_to_own_server(), ElementsAre("a", "b"));
  EXPECT_EQ(told(), "");
  channels_.keep(notification("a", "2"));
  EXPECT_FALSE(channels_.has_news());
}

TEST(SameLetters, OnlyWherePostgresqlConvertsNothing) {
  EXPECT_TRUE(same_letters("UTF8", "UTF8"));
  EXPECT_FALSE(same_letters("UTF8", "LATIN1"));
  EXPECT_TRUE(same_letters("SQL_ASCII", "LATIN1"));
  EXPECT_TRUE(same_letters("UTF8", "SQL_ASCII"));
}

}  // namespace
}  // namespace tidegate::postgres
