#include "cli/core_dumps.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "net/file_descriptor.h"

namespace tidegate::cli {

// The filter (core(5)) holds for files and for programs that core_pattern pipes to; RLIMIT_CORE
// does not hold for the latter. PR_SET_DUMPABLE would do as well, but it gives everything under
// /proc/PID to root, and keeps debuggers of the process's own user out.
void keep_memory_out_of_core_dumps() {
  const net::FileDescriptor filter(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
  if (filter && write(filter.get(), "0\n", 2) == 2) return;
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace tidegate::cli
