// Random bytes from the kernel, fetched a small block at a time: nonces and cancel keys are short,
// and a system call for each would cost more than the bytes. Bytes are wiped once handed out.
#pragma once

#include <array>

#include "base/entropy.h"

namespace tidegate::net {

class SystemEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override;

 private:
  void refill();

  std::array<std::uint8_t, 256> block_{};
  std::size_t used_ = block_.size();
};

}  // namespace tidegate::net
