#include "postgres/welcome.h"

#include <gtest/gtest.h>

#include <string>

namespace tidegate::postgres {
namespace {

RouteSnapshotRef snapshot_of(const std::string& zone) {
  return std::make_shared<const RouteSnapshot>(
      Parameters{{"server_version", "15.2"}, {"TimeZone", zone}, {"application_name", ""}});
}

class WelcomeTableTest : public testing::Test {
 protected:
  const Welcome* find(const RouteSnapshotRef& snapshot, const Parameters& asked) {
    return table_.find(snapshot, asked, settings_);
  }

  SettingsTable settings_;
  WelcomeTable table_;
};

TEST_F(WelcomeTableTest, TellsEverythingThatIsReported) {
  const auto* welcome = find(snapshot_of("Etc/UTC"), {{"application_name", "shop"}});
  ASSERT_NE(welcome, nullptr);
  ByteBuffer expected;
  write_parameter_status(expected, "server_version", "15.2");
  write_parameter_status(expected, "TimeZone", "Etc/UTC");
  write_parameter_status(expected, "application_name", "shop");
  EXPECT_EQ(welcome->reports, expected);
  EXPECT_EQ(*welcome->settings->find("TimeZone"), "Etc/UTC");
  EXPECT_EQ(welcome->at_startup->entries().size(), 1u);
}

TEST_F(WelcomeTableTest, ClientsThatComeAlikeShareAllOfIt) {
  const auto snapshot = snapshot_of("Etc/UTC");
  const auto* first = find(snapshot, {{"application_name", "shop"}});
  EXPECT_EQ(find(snapshot, {{"application_name", "shop"}}), first);
  EXPECT_NE(find(snapshot, {{"application_name", "till"}}), first);
  EXPECT_EQ(find(snapshot, {})->settings, snapshot->defaults());
}

TEST_F(WelcomeTableTest, ANewerSnapshotTellsItsOwn) {
  find(snapshot_of("Etc/UTC"), {});
  EXPECT_EQ(*find(snapshot_of("Asia/Tokyo"), {})->settings->find("TimeZone"), "Asia/Tokyo");
}

TEST_F(WelcomeTableTest, NoneForWhatOnlyAServerCanTell) {
  EXPECT_EQ(find(snapshot_of("Etc/UTC"), {{"search_path", "a,b"}}), nullptr);
}

TEST_F(WelcomeTableTest, ManyKindsOfClientsAreAllTold) {
  const auto snapshot = snapshot_of("Etc/UTC");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100; ++i) {
      const auto name = std::to_string(i);
      const auto* welcome = find(snapshot, {{"application_name", name}});
      EXPECT_EQ(*welcome->settings->find("application_name"), name);
    }
  }
}

}  // namespace
}  // namespace tidegate::postgres
