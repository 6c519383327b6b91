#include "cli/pid_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace tidegate::cli {
namespace {

using testing::HasSubstr;

class PidFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::string content() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& text) const { std::ofstream(path_) << text; }

  std::string path_ = testing::TempDir() + "pid_file_test." + std::to_string(getpid());
};

// A process id that was in use a moment ago and is not any more.
pid_t dead_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

TEST_F(PidFileTest, HoldsOurIdUntilTheEnd) {
  {
    const auto file = PidFile::make(path_);
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PidFileTest, IsRefusedWhileAnotherProcessHoldsIt) {
  write(std::to_string(getppid()) + "\n");
  const auto file = PidFile::make(path_);
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error(), HasSubstr("held by process " + std::to_string(getppid())));
  EXPECT_EQ(content(), std::to_string(getppid()) + "\n");
}

TEST_F(PidFileTest, IsRefusedWhileItIsLocked) {
  const auto first = PidFile::make(path_);
  EXPECT_FALSE(PidFile::make(path_).has_value());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(PidFileTest, WhatACrashLeftBehindIsTakenOver) {
  for (const auto& stale : {std::to_string(dead_process()) + "\n", std::to_string(getpid()),
                            std::string("nonsense that is longer than a number"), std::string()}) {
    write(stale);
    const auto file = PidFile::make(path_);
    ASSERT_TRUE(file.has_value()) << stale;
    EXPECT_EQ(content(), std::to_string(getpid()) + "\n");
  }
}

TEST_F(PidFileTest, NoPathIsNoFile) {
  const auto file = PidFile::make("");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(*file, nullptr);
}

TEST_F(PidFileTest, AFolderThatIsNotThereIsAnError) {
  const auto file = PidFile::make(path_ + "/none");
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace tidegate::cli
