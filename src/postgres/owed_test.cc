#include "postgres/owed.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

TEST(OwedQueue, KeepsOrderWhileItGrowsAndWraps) {
  OwedQueue owed;
  int pushed = 0;
  int popped = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 7; ++i) owed.push(Reply::parse).name = std::to_string(pushed++);
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(owed.front().name, std::to_string(popped++));
      owed.pop();
    }
  }
  EXPECT_EQ(owed.size(), 50u);
}

TEST(OwedQueue, CountsTheReadiesOwed) {
  OwedQueue owed;
  owed.push(Reply::query);
  owed.push(Reply::parse);
  owed.push(Reply::sync);
  EXPECT_EQ(owed.readies(), 2u);
  owed.pop();
  EXPECT_EQ(owed.readies(), 1u);
  owed.erase(1);
  EXPECT_EQ(owed.readies(), 0u);
  EXPECT_EQ(owed.back().reply, Reply::parse);
}

TEST(OwedQueue, RotatesAlsoWhenItIsFull) {
  for (std::size_t size : {3u, 8u}) {
    OwedQueue owed;
    for (std::size_t i = 0; i < size; ++i) owed.push(Reply::parse).name = std::to_string(i);
    owed.push(Reply::sync).name = "last";
    owed.pop();
    for (std::size_t i = 1; i < size; ++i) owed.front_to_back();
    EXPECT_EQ(owed.front().name, "last");
    EXPECT_EQ(owed.at(1).name, "1");
    EXPECT_EQ(owed.back().name, std::to_string(size - 1));
    EXPECT_EQ(owed.size(), size);
    EXPECT_EQ(owed.readies(), 1u);
  }
}

TEST(OwedQueue, AFreedSlotRemembersNothing) {
  OwedQueue owed;
  auto& first = owed.push(Reply::bind);
  first.error = Reason::unknown_statement;
  first.name = "s";
  owed.pop();
  for (int i = 0; i < 8; ++i) {
    const auto& next = owed.push(Reply::bind);
    EXPECT_EQ(next.error, Reason::none);
    EXPECT_TRUE(next.name.empty());
  }
}

TEST(SettleFakes, StopsAtWhatTheServerOwes) {
  OwedQueue owed;
  owed.push(Reply::parse, Action::fake);
  owed.push(Reply::copy_end);
  owed.push(Reply::close, Action::fake);
  owed.push(Reply::bind);
  owed.push(Reply::close, Action::fake);
  ByteBuffer out;
  settle_fakes(owed, out);
  EXPECT_EQ(as_text(out).substr(0, 1), "1");
  EXPECT_EQ(as_text(out).substr(5, 1), "3");
  EXPECT_EQ(out.size(), 10u);
  EXPECT_EQ(owed.size(), 2u);
}

// A slot is used again and again.
TEST(OwedQueue, AFreeSlotRemembersNothing) {
  OwedQueue owed;
  auto& first = owed.push(Reply::query, Action::skip);
  first.prepares = first.inquires = first.restores = first.of_portal = first.before_was_there =
      true;
  first.error = Reason::unknown_statement;
  owed.pop();
  for (int i = 0; i < 100; ++i) {
    const auto& next = owed.push(Reply::query);
    EXPECT_FALSE(next.prepares || next.inquires || next.restores || next.of_portal ||
                 next.before_was_there);
    EXPECT_EQ(next.error, Reason::none);
    owed.pop();
  }
}

}  // namespace
}  // namespace tidegate::postgres
