#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;

Startup read_well(const std::string& body) {
  Startup startup;
  EXPECT_EQ(read_startup(as_bytes(body), startup), StartupRead::ok);
  return startup;
}

StartupRead outcome(const std::string& body) {
  Startup startup;
  return read_startup(as_bytes(body), startup);
}

TEST(Startup, NoDatabaseMeansTheUsersName) {
  EXPECT_EQ(read_well("user\0al\0\0"s).database, "al");
  EXPECT_EQ(read_well("user\0al\0database\0\0\0"s).database, "al");
  EXPECT_EQ(read_well("user\0al\0database\0shop\0\0"s).database, "shop");
}

TEST(Startup, NobodyIsRefused) {
  EXPECT_EQ(outcome("\0"s), StartupRead::no_user);
  EXPECT_EQ(outcome("user\0\0\0"s), StartupRead::no_user);
  EXPECT_EQ(outcome("database\0shop\0\0"s), StartupRead::no_user);
}

TEST(Startup, TheZeroMustBeTheLastByteAndBeThere) {
  EXPECT_EQ(outcome(""), StartupRead::malformed);
  EXPECT_EQ(outcome("user\0al\0"s), StartupRead::malformed);
  EXPECT_EQ(outcome("user\0al"s), StartupRead::malformed);
  EXPECT_EQ(outcome("user\0al\0database\0\0"s), StartupRead::malformed);
  EXPECT_EQ(outcome("user\0al\0\0x"s), StartupRead::malformed);
  EXPECT_EQ(outcome("user\0al\0\0\0"s), StartupRead::malformed);
}

TEST(Startup, SettingsAreLowerCaseAndKeepTheirValue) {
  const auto startup = read_well("user\0Al\0DateStyle\0German\0TimeZone\0UTC\0\0"s);
  EXPECT_EQ(startup.user, "Al");
  EXPECT_EQ(startup.parameters, (Parameters{{"datestyle", "German"}, {"timezone", "UTC"}}));
}

TEST(Startup, Trap18LaterDuplicatesWin) {
  const auto startup = read_well("user\0a\0x\0001\0y\0002\0X\0003\0user\0b\0database\0c\0\0"s);
  EXPECT_EQ(startup.user, "b");
  EXPECT_EQ(startup.database, "c");
  EXPECT_EQ(startup.parameters, (Parameters{{"y", "2"}, {"x", "3"}}));
}

TEST(Startup, Trap18OptionsComeFirstWhereverTheyStand) {
  const auto startup = read_well("user\0a\0x\0own\0options\0-c x=opt -c z=1\0\0"s);
  EXPECT_EQ(startup.parameters, (Parameters{{"z", "1"}, {"x", "own"}}));
}

TEST(Startup, OptionsThatAreNotUnderstoodAreNamed) {
  Startup startup;
  const auto body = "user\0a\0options\0-c x=1 -Z\0\0"s;
  EXPECT_EQ(read_startup(as_bytes(body), startup), StartupRead::bad_option);
  EXPECT_EQ(startup.bad_option, "-Z");
}

TEST(Startup, ReplicationIsKeptUnlessItSaysNo) {
  const auto replication = [](std::string value) {
    return read_well("user\0a\0replication\0"s + value + "\0\0"s).replication;
  };
  EXPECT_EQ(replication("database"), "database");
  EXPECT_EQ(replication("true"), "true");
  EXPECT_EQ(replication("o"), "o");
  for (const char* no : {"false", "F", "off", "of", "no", "n", "0"}) EXPECT_EQ(replication(no), "");
}

TEST(Startup, Trap30ProtocolOptionsAreNotSettings) {
  const auto startup = read_well("user\0a\0_pq_.command_tag_format\0fancy\0_pq_.b\0\0\0"s);
  EXPECT_EQ(startup.protocol_options,
            (std::vector<std::string>{"_pq_.command_tag_format", "_pq_.b"}));
  EXPECT_TRUE(startup.parameters.empty());
}

TEST(Startup, WhatWasThereBeforeIsGoneButTheProtocol) {
  Startup startup = {.protocol = kProtocol30, .user = "old", .parameters = {{"old", "1"}}};
  ASSERT_EQ(read_startup(as_bytes("user\0new\0\0"s), startup), StartupRead::ok);
  EXPECT_EQ(startup.protocol, kProtocol30);
  EXPECT_EQ(startup.user, "new");
  EXPECT_TRUE(startup.parameters.empty());
}

TEST(Startup, TheLongestPacketOfTinySettingsIsReadInNoTime) {
  std::string body = "user\0a\0"s;
  for (int i = 0; body.size() + 6 < kStartupBytesMax; ++i) {
    body += {static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26 % 26),
             static_cast<char>('a' + i / 676), '\0', '\0'};
  }
  EXPECT_GT(read_well(body + "\0"s).parameters.size(), 1900U);
}

RC_GTEST_PROP(StartupProperty, AnyBytesAreReadOrRefused, (const std::vector<std::uint8_t>& body)) {
  Startup startup;
  if (read_startup(body, startup) == StartupRead::ok) RC_ASSERT(!startup.user.empty());
}

// Text without zero bytes, as a parameter may have it.
rc::Gen<std::string> text() {
  return rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>('!', '~')));
}

RC_GTEST_PROP(StartupProperty, WhatIsWrittenIsRead, ()) {
  const auto user = *text();
  const auto database = *text();
  const auto values = *rc::gen::container<std::vector<std::string>>(text());
  Parameters settings;
  for (const auto& value : values)
    settings.emplace_back("s" + std::to_string(settings.size()), value);
  Parameters all = {{"user", user}, {"database", database}};
  all.insert(all.end(), settings.begin(), settings.end());

  ByteBuffer packet;
  write_startup(packet, all);
  RC_ASSERT(load_be32(packet.data()) == packet.size());
  RC_ASSERT(load_be32(packet.data() + 4) == kProtocol30);
  Startup startup;
  RC_ASSERT(read_startup(Bytes(packet).subspan(8), startup) == StartupRead::ok);
  RC_ASSERT(startup.user == user);
  RC_ASSERT(startup.database == database);
  RC_ASSERT(startup.parameters == settings);
}

RC_GTEST_PROP(StartupProperty, EscapedOptionsAreRead, ()) {
  const auto value = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
  std::string escaped;
  for (const char c : value) escaped += {'\\', c};
  const auto read = read_startup_options("-c a=" + escaped + " --b=2");
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == (Parameters{{"a", value}, {"b", "2"}}));
}

}  // namespace
}  // namespace tidegate::postgres
