#include "postgres/message_gatherer.h"

#include <gtest/gtest.h>

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;
using Progress = MessageGatherer::Progress;

constexpr std::size_t kLimit = 100;

Progress take(MessageGatherer& gatherer, const std::string& bytes, std::size_t expected_taken) {
  std::size_t taken = 0;
  const auto progress = gatherer.take(as_bytes(bytes), kLimit, taken);
  EXPECT_EQ(taken, expected_taken);
  return progress;
}

TEST(MessageGatherer, StopsAtTheEndOfTheMessage) {
  MessageGatherer gatherer;
  EXPECT_EQ(take(gatherer,
                 "p\0\0\0\x07"
                 "abcrest"s,
                 8),
            Progress::complete);
  EXPECT_EQ(gatherer.type(), 'p');
  EXPECT_EQ(as_text(gatherer.body()), "abc");
  gatherer.clear();
  EXPECT_EQ(take(gatherer, "S\0\0\0\x04S"s, 5), Progress::complete);
  EXPECT_TRUE(gatherer.body().empty());
}

TEST(MessageGatherer, OneByteAtATime) {
  const auto message =
      "p\0\0\0\x07"
      "abc"s;
  MessageGatherer gatherer;
  for (std::size_t i = 0; i + 1 < message.size(); ++i) {
    EXPECT_EQ(take(gatherer, message.substr(i, 1), 1), Progress::need_more);
  }
  EXPECT_EQ(take(gatherer, "c", 1), Progress::complete);
  EXPECT_EQ(as_text(gatherer.body()), "abc");
}

TEST(MessageGatherer, ALengthIsJudgedBeforeTheBody) {
  const auto judged = [](const std::string& header) {
    MessageGatherer gatherer;
    return take(gatherer, header, 5);
  };
  EXPECT_EQ(judged("p\0\0\0\x68"s), Progress::need_more);  // a body of 100 bytes
  EXPECT_EQ(judged("p\0\0\0\x69"s), Progress::too_large);
  EXPECT_EQ(judged("p\0\0\0\x03"s), Progress::malformed);
  EXPECT_EQ(judged("p\xff\xff\xff\xff"s), Progress::malformed);
}

}  // namespace
}  // namespace tidegate::postgres
