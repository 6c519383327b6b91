// Overwrites what held a secret before its memory is given back; the compiler may not leave it out.
#pragma once

#include <string.h>

#include <string>

#include "base/bytes.h"

namespace tidegate {

inline void wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

inline void wipe(ByteBuffer& bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace tidegate
