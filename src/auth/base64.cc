#include "auth/base64.h"

#include <array>

namespace tidegate::auth {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoLetter = 0xff;

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoLetter);
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    values[static_cast<std::uint8_t>(kLetters[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

}  // namespace

std::string base64_encode(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto left = bytes.size() - at;
    const std::uint32_t group = (std::uint32_t{bytes[at]} << 16) |
                                (left > 1 ? std::uint32_t{bytes[at + 1]} << 8 : 0) |
                                (left > 2 ? std::uint32_t{bytes[at + 2]} : 0);
    text += kLetters[group >> 18];
    text += kLetters[(group >> 12) & 63];
    text += left > 1 ? kLetters[(group >> 6) & 63] : '=';
    text += left > 2 ? kLetters[group & 63] : '=';
  }
  return text;
}

std::optional<std::vector<std::uint8_t>> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  text.remove_suffix(padding_of(text));

  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const char letter : text) {
    const auto value = kValues[static_cast<std::uint8_t>(letter)];
    if (value == kNoLetter) return std::nullopt;
    held = (held << 6) | value;
    held_bits += 6;
    if (held_bits < 8) continue;
    held_bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(held >> held_bits));
    held &= (1u << held_bits) - 1;
  }
  if (held != 0) return std::nullopt;
  return bytes;
}

}  // namespace tidegate::auth
