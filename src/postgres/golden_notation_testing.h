// The notation of golden conversations: `"text" 00 0a0b`, text in quotes, everything else in hex.
#pragma once

#include <algorithm>
#include <string>

#include "base/bytes.h"

namespace tidegate::postgres::testing {

inline ByteBuffer bytes_of_hex(const std::string& text) {
  ByteBuffer bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string bytes_of_tokens(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
    } else if (text[at] == '"') {
      const auto end = text.find('"', at + 1);
      bytes += text.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      const auto end = std::min(text.find(' ', at), text.size());
      bytes += as_text(bytes_of_hex(text.substr(at, end - at)));
      at = end;
    }
  }
  return bytes;
}

}  // namespace tidegate::postgres::testing
