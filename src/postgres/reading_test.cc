#include "postgres/reading.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

constexpr Changes kSettings{.settings = true};
constexpr Changes kDefinitions{.definitions = true};

TEST(Reading, WhatIsOnItsWayIsKnownOnceItIsAnsweredAndReported) {
  Reading reading;
  EXPECT_FALSE(reading.in_flight());
  reading.may_change(kSettings);
  EXPECT_TRUE(reading.in_flight());
  reading.answered(false);
  EXPECT_FALSE(reading.in_flight() || reading.unreported() || reading.alone());
}

TEST(Reading, BeforeTheSyncAChangeIsDoneAndNotTold) {
  Reading reading;
  reading.may_change(kSettings);
  reading.answered(true);
  EXPECT_TRUE(reading.unreported() && reading.alone());
  EXPECT_FALSE(reading.misleads());
  reading.may_change_text_rules();
  EXPECT_TRUE(reading.misleads());
  reading.reported();
  EXPECT_FALSE(reading.unreported() || reading.misleads());
  // What was parsed meanwhile is nobody else's all the same.
  EXPECT_TRUE(reading.alone());
  reading.unlinked();
  EXPECT_FALSE(reading.alone());
}

TEST(Reading, WhatIsDefinedIsKnownOnceItIsAnswered) {
  Reading reading;
  reading.may_change(kDefinitions);
  EXPECT_TRUE(reading.in_flight());
  EXPECT_TRUE(reading.answered(true).definitions);
  EXPECT_FALSE(reading.in_flight() || reading.unreported() || reading.alone());
  EXPECT_FALSE(reading.answered(true).any());
}

TEST(Reading, APortalDefinesWhenItRuns) {
  Reading reading;
  reading.bound("", kSettings);
  reading.bound("p", kDefinitions);
  reading.executed("p", true);
  const auto changed = reading.answered(true);
  EXPECT_TRUE(changed.definitions);
  EXPECT_FALSE(changed.settings);
}

TEST(Reading, AnAnswerWithoutAChangeTellsNothing) {
  Reading reading;
  reading.answered(true);
  EXPECT_FALSE(reading.unreported() || reading.alone());
}

TEST(Reading, APortalChangesWhenItRuns) {
  Reading reading;
  reading.bound("", kSettings);
  reading.bound("p", kSettings);
  EXPECT_FALSE(reading.in_flight());
  EXPECT_TRUE(reading.has_portals());
  reading.executed("", false);
  EXPECT_TRUE(reading.in_flight());
  reading.executed("", true);
  EXPECT_TRUE(reading.has_portals());
  reading.executed("p", true);
  EXPECT_TRUE(reading.has_portals()) << "a named one may run again";
  reading.portals_ended();
  EXPECT_FALSE(reading.has_portals());
}

TEST(Reading, TheUnnamedPortalRunsOnce) {
  Reading reading;
  reading.bound("", kSettings);
  reading.executed("", true);
  EXPECT_FALSE(reading.has_portals());
}

}  // namespace
}  // namespace tidegate::postgres
