#include "postgres/settings_table.h"

#include <gtest/gtest.h>

#include <string>

namespace tidegate::postgres {
namespace {

SettingsRef zone(const std::string& name) {
  return Settings::make({{"TimeZone", name}});
}

TEST(SettingsTable, EqualOnesAreOneObject) {
  SettingsTable table;
  const auto first = table.intern(zone("Asia/Tokyo"));
  EXPECT_EQ(table.intern(zone("Asia/Tokyo")), first);
  EXPECT_NE(table.intern(zone("Etc/UTC")), first);
  EXPECT_EQ(table.size(), 2u);
}

TEST(SettingsTable, ForgetsWhatNobodyHolds) {
  SettingsTable table;
  const auto held = table.intern(zone("held"));
  for (int i = 0; i < 10'000; ++i) table.intern(zone(std::to_string(i)));
  EXPECT_LE(table.size(), 128u);
  EXPECT_EQ(table.intern(zone("held")), held);
}

}  // namespace
}  // namespace tidegate::postgres
