#include "net/system_entropy.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace tidegate::net {

void SystemEntropy::fill(MutableBytes out) {
  while (!out.empty()) {
    if (used_ == block_.size()) refill();
    const auto count = std::min(out.size(), block_.size() - used_);
    std::memcpy(out.data(), block_.data() + used_, count);
    explicit_bzero(block_.data() + used_, count);
    used_ += count;
    out = out.subspan(count);
  }
}

void SystemEntropy::refill() {
  std::size_t got = 0;
  while (got < block_.size()) {
    const auto count = getrandom(block_.data() + got, block_.size() - got, 0);
    TG_CHECK(count > 0 || errno == EINTR);
    if (count > 0) got += static_cast<std::size_t>(count);
  }
  used_ = 0;
}

}  // namespace tidegate::net
