#include "base/last_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "base/reason.h"

namespace tidegate {
namespace {

using testing::EndsWith;
using testing::StartsWith;

std::string printed(const LastEvents& events) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  events.print(out);
  std::fclose(out);
  const std::string result(text, size);
  std::free(text);
  return result;
}

TEST(LastEvents, AreNamedWithTheirNumbers) {
  LastEvents events;
  EXPECT_EQ(printed(events), "");
  events.note(Event::assign, Instant{3'000'000'500}, 0x17, 0x2a);
  events.note(Event::server_gone, Instant{4'000'007'000}, 0x17, 0);
  events.note(Event::tick, Instant{5'000'000'000}, 0, 0);
  events.note(Event::refuse, Instant{6'000'000'000}, 0x2a,
              static_cast<std::uint64_t>(Reason::pool_timeout));
  EXPECT_EQ(printed(events),
            "  3.000000 assign server=0x17 client=0x2a\n"
            "  4.000007 server_gone server=0x17\n"
            "  5.000000 tick\n"
            "  6.000000 refuse client=0x2a reason=pool_timeout\n");
}

TEST(LastEvents, TheOldestMakeRoom) {
  LastEvents events;
  for (std::uint64_t i = 1; i <= LastEvents::kKept + 2; ++i) {
    events.note(Event::server_ready, Instant{}, i, 0);
  }
  const auto text = printed(events);
  EXPECT_THAT(text, StartsWith("  0.000000 server_ready server=0x3\n"));
  EXPECT_THAT(text, EndsWith("server=0x82\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), std::ptrdiff_t{LastEvents::kKept});
}

TEST(LastEventsDeathTest, AFailedCheckPrintsThemAndStops) {
  LastEvents events;
  events.note(Event::server_released, Instant{1'000}, 0x99, 0);
  const auto speak = [](const void* context) {
    static_cast<const LastEvents*>(context)->print(stderr);
  };
  const int servers = -1;
  EXPECT_DEATH(
      {
        set_last_words(speak, &events);
        TG_CHECK(servers >= 0);
      },
      "invariant broken: servers >= 0 .*\n  0.000001 server_released server=0x99\n");
}

TEST(LastEventsDeathTest, ACheckThatFailsInTheLastWordsStopsAllTheSame) {
  EXPECT_DEATH(
      {
        set_last_words([](const void*) { TG_CHECK(!"said twice"); }, nullptr);
        TG_CHECK(!"first");
      },
      "first.*\n.*said twice");
}

}  // namespace
}  // namespace tidegate
