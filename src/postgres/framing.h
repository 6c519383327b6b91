// Messages on the wire: one type byte, then a big-endian length that counts itself, then the body
// (PostgreSQL manual, 55.7). The cursor below walks a stream that may be cut at any byte and never
// needs a whole message in one place.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tidegate::postgres {

inline constexpr std::size_t kHeaderBytes = 5;
// PostgreSQL's own limit for a message is 1 GB; a length is never negative nor below 4.
inline constexpr std::uint32_t kMessageBytesMax = 0x3fffffff + 4;

struct MessageHeader {
  char type = 0;
  std::uint32_t body_bytes = 0;  // without the header
};

enum class HeaderRead : std::uint8_t { ok, need_more, malformed };

// Reads a header at the start of `bytes`.
inline HeaderRead read_header(Bytes bytes, MessageHeader& out) {
  if (bytes.size() < kHeaderBytes) return HeaderRead::need_more;
  const std::uint32_t length = load_be32(bytes.data() + 1);
  if (length < 4 || length > kMessageBytesMax) return HeaderRead::malformed;
  out = {static_cast<char>(bytes[0]), length - 4};
  return HeaderRead::ok;
}

}  // namespace tidegate::postgres
