#include "postgres/name_doubts.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

TEST(NameDoubts, ANameBehindNothingIsCertain) {
  NameDoubts doubts;
  doubts.name_changed();
  doubts.segment_ended();
  EXPECT_TRUE(doubts.in_flight());
  EXPECT_FALSE(doubts.names());
  doubts.answered();
  EXPECT_FALSE(doubts.in_flight());
}

TEST(NameDoubts, ANameBehindSomethingIsInDoubtFromTheEndOfItsSegment) {
  NameDoubts doubts;
  doubts.name_changed();
  doubts.doubted();
  EXPECT_FALSE(doubts.names()) << "what stands behind it in the segment is skipped with it";
  doubts.segment_ended();
  EXPECT_TRUE(doubts.names() && doubts.unnamed());
  doubts.answered();
  EXPECT_FALSE(doubts.names() || doubts.unnamed());
}

TEST(NameDoubts, TheUnnamedStatementOfThisSegmentIsCertain) {
  NameDoubts doubts;
  doubts.unnamed_changed();
  EXPECT_FALSE(doubts.unnamed());
  doubts.segment_ended();
  EXPECT_TRUE(doubts.unnamed());
  doubts.unnamed_changed();
  EXPECT_FALSE(doubts.unnamed());
  doubts.segment_ended();
  doubts.answered();
  EXPECT_FALSE(doubts.unnamed());
}

TEST(NameDoubts, ForgettingLastsAsLongAsTheLink) {
  NameDoubts doubts;
  doubts.forgets_all();
  doubts.segment_ended();
  doubts.answered();
  EXPECT_TRUE(doubts.forgets());
  doubts.unlinked();
  EXPECT_FALSE(doubts.forgets());
}

}  // namespace
}  // namespace tidegate::postgres
