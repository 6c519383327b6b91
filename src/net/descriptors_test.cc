#include "net/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "net/file_descriptor.h"

namespace tidegate::net {
namespace {

// In a process of its own, whose limits may change.
int raise_in_child() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit = {.rlim_cur = 64, .rlim_max = 256};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  const auto before = raise_descriptor_limit();
  if (before.limit != 256) return 2;
  const FileDescriptor one(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto after = raise_descriptor_limit();
  if (after.in_use != before.in_use + 1) return 3;
  return after.available() == 256 - after.in_use ? 0 : 4;
}

TEST(Descriptors, RaisesToTheHardLimitAndCounts) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(raise_in_child());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tidegate::net
