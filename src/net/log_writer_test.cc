#include "net/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tidegate::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::string line_of(LogFormat format, const std::string& value) {
  const LogField fields[] = {{"key", value}};
  return format_log_line(format, WallTime{1'700'000'000'123'456}, LogLevel::warning, "it happened",
                         fields);
}

TEST(LogFormat, Logfmt) {
  EXPECT_EQ(line_of(LogFormat::logfmt, "plain"),
            "time=2023-11-14T22:13:20.123Z level=warning event=\"it happened\" key=plain\n");
}

TEST(LogFormat, LogfmtQuotesWhatWouldMislead) {
  EXPECT_THAT(line_of(LogFormat::logfmt, ""), EndsWith("key=\"\"\n"));
  EXPECT_THAT(line_of(LogFormat::logfmt, "a=b"), EndsWith("key=\"a=b\"\n"));
  EXPECT_THAT(line_of(LogFormat::logfmt, "say \"x\\y\""), EndsWith(R"(key="say \"x\\y\"")"
                                                                   "\n"));
  EXPECT_THAT(line_of(LogFormat::logfmt, "two\nlines\r"), EndsWith(R"(key="two\nlines\u000d")"
                                                                   "\n"));
}

TEST(LogFormat, Json) {
  EXPECT_EQ(line_of(LogFormat::json, "ü\x01"),
            R"({"time":"2023-11-14T22:13:20.123Z","level":"warning","event":"it happened",)"
            R"("key":"ü\u0001"})"
            "\n");
}

TEST(LogFormat, JsonStaysValidUtf8) {
  EXPECT_THAT(line_of(LogFormat::json, "a\xff\xc3"), EndsWith("\"key\":\"a\\ufffd\\ufffd\"}\n"));
  EXPECT_THAT(line_of(LogFormat::json, "\xe2\x82\xac"), HasSubstr("\xe2\x82\xac"));
}

TEST(LogLimiter, LeavesOutAndTells) {
  LogLimiter limiter(2);
  const Instant now{5'000'000'000};
  EXPECT_TRUE(limiter.admit(LogLevel::info, "storm", now));
  EXPECT_TRUE(limiter.admit(LogLevel::info, "storm", now));
  EXPECT_TRUE(limiter.next_report().is_never());
  EXPECT_FALSE(limiter.admit(LogLevel::warning, "storm", now));
  EXPECT_TRUE(limiter.admit(LogLevel::info, "calm", now));
  EXPECT_EQ(limiter.next_report(), now + 1s);
  EXPECT_TRUE(limiter.take_omissions(now + 999ms).empty());
  const auto told = limiter.take_omissions(now + 1s);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].event, "storm");
  EXPECT_EQ(told[0].count, 1u);
  EXPECT_EQ(told[0].level, LogLevel::warning);
  EXPECT_TRUE(limiter.next_report().is_never());
  EXPECT_TRUE(limiter.admit(LogLevel::info, "storm", now + 1s));
}

TEST(LogLimiter, KindsOfEventsAreBounded) {
  LogLimiter limiter(1);
  for (std::size_t i = 0; i < LogLimiter::kEventsMax; ++i) {
    EXPECT_TRUE(limiter.admit(LogLevel::info, std::to_string(i), Instant{}));
  }
  EXPECT_TRUE(limiter.admit(LogLevel::info, "one more", Instant{}));
  EXPECT_FALSE(limiter.admit(LogLevel::info, "and another", Instant{}));
}

class LogFile : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate_log_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    file_ = folder_ / "log";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string content(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static long lines(const std::filesystem::path& file) {
    const auto text = content(file);
    return std::count(text.begin(), text.end(), '\n');
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

TEST_F(LogFile, WritesEverythingBeforeItLeaves) {
  {
    auto log = LogWriter::make({.file = file_, .lines_per_event_max = 0});
    for (int i = 0; i < 100; ++i) log->write(LogLevel::info, "counted", {{"i", i}});
    log->write(LogLevel::debug, "too fine", {});
    EXPECT_FALSE(log->enabled(LogLevel::debug));
  }
  EXPECT_EQ(lines(file_), 100);
  EXPECT_THAT(content(file_), HasSubstr("i=99\n"));
}

TEST_F(LogFile, StormsAreCut) {
  {
    auto log = LogWriter::make({.file = file_, .lines_per_event_max = 3});
    for (int i = 0; i < 10; ++i) log->write(LogLevel::info, "storm", {});
  }
  EXPECT_THAT(content(file_), HasSubstr("event=\"similar lines left out\" of=storm count="));
  EXPECT_LT(lines(file_), 10);
}

TEST_F(LogFile, ReopenFollowsTheName) {
  {
    auto log = LogWriter::make({.file = file_});
    log->write(LogLevel::info, "before", {});
    while (lines(file_) == 0) std::this_thread::yield();
    std::filesystem::rename(file_, folder_ / "log.1");
    log->reopen();
    while (!std::filesystem::exists(file_)) std::this_thread::yield();
    log->write(LogLevel::info, "after", {});
  }
  EXPECT_THAT(content(folder_ / "log.1"), HasSubstr("before"));
  EXPECT_THAT(content(file_), HasSubstr("after"));
}

TEST_F(LogFile, ReopenSaysWhatBecameOfIt) {
  {
    auto log = LogWriter::make({.file = file_});
    std::filesystem::rename(file_, folder_ / "log.1");
    log->reopen();
    while (lines(file_) == 0) std::this_thread::yield();
    std::filesystem::rename(file_, folder_ / "log.2");
    std::filesystem::create_directory(file_);
    log->reopen();
    while (lines(folder_ / "log.2") < 2) std::this_thread::yield();
  }
  EXPECT_THAT(content(folder_ / "log.1"), testing::IsEmpty());
  EXPECT_THAT(content(folder_ / "log.2"),
              HasSubstr("event=\"log file opened anew\" file=" + file_.string() + "\n"));
  EXPECT_THAT(content(folder_ / "log.2"), EndsWith("error=\"Is a directory\"\n"));
}

// Opening such a file waits for a reader, which may never come.
TEST_F(LogFile, APipeThatNobodyReadsIsSaidOnStandardError) {
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  testing::internal::CaptureStderr();
  LogWriter::make({.file = file_})->write(LogLevel::info, "goes on", {});
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("event=\"cannot open the log file\" file=" + file_.string() +
                              " error=\"it is a pipe, and nobody reads it\"\n"));
  EXPECT_THAT(said, EndsWith("event=\"goes on\"\n"));
}

TEST_F(LogFile, ASlowReaderCostsLinesNotTime) {
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  const int reader = open(file_.c_str(), O_RDWR);  // opened by somebody, read by nobody
  ASSERT_GE(reader, 0);
  constexpr std::string_view kEnd = "read up to here";
  std::string seen;
  std::thread drain;
  {
    auto log = LogWriter::make({.file = file_, .lines_max = 16, .lines_per_event_max = 0});
    const std::string padding(4096, 'x');
    for (int i = 0; i < 200; ++i) log->write(LogLevel::info, "long", {{"padding", padding}});
    drain = std::thread([&] {
      char buffer[65536];
      while (!seen.ends_with(kEnd)) {
        const auto count = read(reader, buffer, sizeof buffer);
        if (count <= 0) return;
        seen.append(buffer, static_cast<std::size_t>(count));
      }
    });
  }
  EXPECT_EQ(write(reader, kEnd.data(), kEnd.size()), static_cast<ssize_t>(kEnd.size()));
  drain.join();
  close(reader);
  EXPECT_THAT(seen, HasSubstr("event=\"log lines dropped\" count="));
}

}  // namespace
}  // namespace tidegate::net
