#include "net/descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

namespace tidegate::net {
namespace {

std::size_t count_open() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::size_t count = 0;
  while (const auto* entry = readdir(folder)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(folder);
  return count - 1;  // the folder itself was open too
}

}  // namespace

DescriptorLimits raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return {static_cast<std::size_t>(limit.rlim_cur), count_open()};
}

}  // namespace tidegate::net
