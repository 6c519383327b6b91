#include "postgres/restorations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/postgres_scanner.h"

namespace tidegate::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Parameters kDefaults = {{"TimeZone", "Etc/UTC"}, {"application_name", ""}};

const auto kAtStartup = Settings::make({{"TimeZone", "Asia/Tokyo"},
                                        {"application_name", ""},
                                        {"search_path", "\"app one\", public", true},
                                        {"statement_timeout", "2s", true},
                                        {"role", "deputy", true}});

std::vector<Restoration> behind(std::string_view text, const SettingsRef& at_startup = kAtStartup) {
  return restorations(sql::PostgresScanner::scan(as_bytes(text)), *at_startup, kDefaults);
}

std::vector<std::string> only(std::string_view text) {
  const auto all = behind(text);
  EXPECT_EQ(all.size(), 1u) << text;
  return all.empty() ? std::vector<std::string>{} : all.front().commands;
}

TEST(Restorations, FollowAReset) {
  for (const auto* text : {"RESET timezone", "RESET TIME ZONE", "SET TimeZone TO DEFAULT",
                           "SET TIME ZONE LOCAL", "SET SESSION timezone = DEFAULT"}) {
    EXPECT_THAT(only(text), ElementsAre("SET \"TimeZone\" TO 'Asia/Tokyo'")) << text;
  }
}

TEST(Restorations, KeepTheScope) {
  EXPECT_THAT(only("SET LOCAL timezone TO DEFAULT"),
              ElementsAre("SET LOCAL \"TimeZone\" TO 'Asia/Tokyo'"));
}

TEST(Restorations, KeepAListAList) {
  EXPECT_THAT(only("RESET search_path"), ElementsAre("SET \"search_path\" TO 'app one', 'public'"));
}

TEST(Restorations, OfResetAllLeaveOutTheRole) {
  const auto all =
      ElementsAre("SET \"search_path\" TO 'app one', 'public'", "SET \"statement_timeout\" TO '2s'",
                  "SET \"TimeZone\" TO 'Asia/Tokyo'");
  EXPECT_THAT(only("RESET ALL"), all);
  EXPECT_THAT(only("DISCARD ALL"), all);
  EXPECT_THAT(only("RESET ROLE"), ElementsAre("SET \"role\" TO 'deputy'"));
}

TEST(Restorations, AreNotNeededForWhatTheServerHasByItself) {
  EXPECT_THAT(behind("RESET application_name"), IsEmpty());
  EXPECT_THAT(behind("RESET work_mem"), IsEmpty());
  EXPECT_THAT(behind("SET TimeZone TO 'UTC'; SELECT 1"), IsEmpty());
  EXPECT_THAT(behind("RESET ALL", Settings::empty()), IsEmpty());
}

TEST(Restorations, TellWhereTheyBelong) {
  const auto all = behind("RESET timezone; SELECT 1; RESET statement_timeout");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].statement, 1);
  EXPECT_EQ(all[1].statement, 3);
}

}  // namespace
}  // namespace tidegate::postgres
