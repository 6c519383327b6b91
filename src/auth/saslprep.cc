#include "auth/saslprep.h"

#include <openssl/crypto.h>
#include <stringprep.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

namespace tidegate::auth {
namespace {

// libidn brings the tables of RFC 3454 and NFKC. Its own SASLprep profile is not used because it
// checks the normalised text, as the RFC says, while PostgreSQL checks the text before it.
using Table = const Stringprep_table_element*;

// Everything in here is made of a password: wiped before it is given back.
using Characters = std::vector<std::uint32_t>;

struct WipeAndFree {
  std::size_t bytes;
  void operator()(void* memory) const {
    OPENSSL_cleanse(memory, bytes);
    std::free(memory);
  }
};
template <class T>
using Wiped = std::unique_ptr<T, WipeAndFree>;

bool listed(Table table, std::uint32_t character) {
  for (; table->start != 0 || table->end != 0; ++table) {
    const auto last = table->end != 0 ? table->end : table->start;
    if (character >= table->start && character <= last) return true;
  }
  return false;
}

// RFC 4013 section 2.3, and 2.5 (unassigned code points).
bool prohibited(std::uint32_t character) {
  constexpr Table kTables[] = {
      stringprep_rfc3454_C_1_2, stringprep_rfc3454_C_2_1, stringprep_rfc3454_C_2_2,
      stringprep_rfc3454_C_3,   stringprep_rfc3454_C_4,   stringprep_rfc3454_C_5,
      stringprep_rfc3454_C_6,   stringprep_rfc3454_C_7,   stringprep_rfc3454_C_8,
      stringprep_rfc3454_C_9,   stringprep_rfc3454_A_1,
  };
  return std::ranges::any_of(kTables, [&](Table table) { return listed(table, character); });
}

bool right_to_left(std::uint32_t character) {
  return listed(stringprep_rfc3454_D_1, character);
}
bool left_to_right(std::uint32_t character) {
  return listed(stringprep_rfc3454_D_2, character);
}

// RFC 3454 section 6.
bool directions_mixed(const Characters& text) {
  if (std::ranges::none_of(text, right_to_left)) return false;
  if (std::ranges::any_of(text, left_to_right)) return true;
  return !right_to_left(text.front()) || !right_to_left(text.back());
}

// Section 2.1: other spaces become the space, and what is invisible goes. U+200B is listed as both;
// PostgreSQL takes it for a space.
void map_characters(Characters& text) {
  std::ranges::replace_if(
      text, [](auto character) { return listed(stringprep_rfc3454_C_1_2, character); }, ' ');
  std::erase_if(text, [](auto character) { return listed(stringprep_rfc3454_B_1, character); });
}

std::optional<Characters> decode_utf8(std::string_view text) {
  std::size_t count = 0;
  auto* decoded = stringprep_utf8_to_ucs4(text.data(), static_cast<ssize_t>(text.size()), &count);
  if (decoded == nullptr) return std::nullopt;
  const Wiped<std::uint32_t> owned(decoded, {count * sizeof *decoded});
  return Characters(decoded, decoded + count);
}

std::optional<std::string> normalise(const Characters& text) {
  const auto count = static_cast<ssize_t>(text.size());
  auto* normal = stringprep_ucs4_nfkc_normalize(text.data(), count);
  if (normal == nullptr) return std::nullopt;
  std::size_t normal_count = 0;
  while (normal[normal_count] != 0) ++normal_count;
  const Wiped<std::uint32_t> owned(normal, {normal_count * sizeof *normal});

  std::size_t bytes = 0;
  auto* utf8 = stringprep_ucs4_to_utf8(normal, static_cast<ssize_t>(normal_count), nullptr, &bytes);
  if (utf8 == nullptr) return std::nullopt;
  const Wiped<char> owned_utf8(utf8, {bytes});
  return std::string(utf8, bytes);
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::string saslprep_or_raw(std::string_view password) {
  const std::string raw(password);
  if (is_ascii(password)) return raw;
  auto text = decode_utf8(password);
  if (!text) return raw;

  map_characters(*text);
  const bool usable =
      !text->empty() && std::ranges::none_of(*text, prohibited) && !directions_mixed(*text);
  auto prepared = usable ? normalise(*text) : std::nullopt;
  OPENSSL_cleanse(text->data(), text->size() * sizeof text->front());
  return std::move(prepared).value_or(raw);
}

}  // namespace tidegate::auth
