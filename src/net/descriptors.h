// How many sockets this process may have. The soft limit that shells hand down is small and meant
// for programs that use select(); we do not, and take what the hard limit allows.
#pragma once

#include <cstddef>

namespace tidegate::net {

struct DescriptorLimits {
  std::size_t limit = 0;   // after raising
  std::size_t in_use = 0;  // open when asked
  std::size_t available() const { return limit > in_use ? limit - in_use : 0; }
};

// Raises RLIMIT_NOFILE to the hard limit and tells what there is.
DescriptorLimits raise_descriptor_limit();

}  // namespace tidegate::net
