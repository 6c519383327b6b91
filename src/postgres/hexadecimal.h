// What encode(..., 'hex') gives, back into bytes.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace tidegate::postgres {

inline std::string from_hexadecimal(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(&text[i], &text[i] + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace tidegate::postgres
