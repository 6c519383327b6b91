// The words that matter to the scanner, out of the thousands that SQL texts are made of. Nearly
// every word of a text is none of them, so the answer "no" must cost next to nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidegate::sql {

// Several words share an entry where the scanner makes no difference between them.
// clang-format off
enum class Keyword : std::uint8_t {
  none,
  // what a statement begins with
  abort, alter_or_drop, begin, call, close, commit, create, deallocate, declare, discard, do_, end,
  execute, explain, listen, load, notify, prepare, reset, rollback, set, start, unlisten,
  // what stands further behind
  all, analyze, and_, as, atomic, authorization, case_, chain, characteristics, constraints,
  default_, deferrable, for_, from, global, hold, insert_or_merge, isolation, local, names, no,
  only_or_write, or_, prepared, replace, role, routine, schema, session, table, temp, time, to,
  transaction, unlogged, verbose, with, xml, zone,
  // what is noticed wherever it stands
  into, pg_settings, true_, uescape, update,
  // functions, by what a call of them does
  advisory_lock_function, advisory_unlock_function, notify_function, opaque_function,
  session_function, set_config_function, setseed_function,
  // not words of the table, but what the reader makes of a token
  comma, dot, escaped_name, temp_schema,
};
// clang-format on

// PostgreSQL cuts identifiers to this length (NAMEDATALEN - 1); no keyword comes near it.
inline constexpr std::size_t kIdentifierBytesMax = 63;

// An open-addressed table of the keywords: slot -> 1 + index of a keyword, 0 for none. It is so
// sparse that for nearly every other word the first slot is empty, which settles the matter.
inline constexpr std::size_t kKeywordSlots = 2048;
extern const std::array<std::uint8_t, kKeywordSlots> kKeywordSlot;

// `word` has at least two letters; its case does not matter.
constexpr std::size_t first_keyword_slot(std::string_view word) {
  const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(word[at]); };
  const unsigned ends = letter(0) | (letter(1) << 8u) | (letter(word.size() - 1) << 16u);
  return ((ends | 0x202020u) * 0x9E3779B1u + static_cast<unsigned>(word.size()) * 0x85EBCA77u) >>
         21;
}
static_assert(kKeywordSlots == 1u << (32 - 21));

// The keyword in `slot` or in the slots behind it that equals `word` in any case.
Keyword match_keyword(std::string_view word, std::size_t slot);

// `word` is at most kIdentifierBytesMax bytes, in any case.
inline Keyword find_keyword(std::string_view word) {
  if (word.size() < 2) return Keyword::none;
  const auto slot = first_keyword_slot(word);
  if (kKeywordSlot[slot] == 0) [[likely]]
    return Keyword::none;
  return match_keyword(word, slot);
}

inline char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline bool is_noticed_anywhere(Keyword keyword) {
  return keyword >= Keyword::into && keyword <= Keyword::update;
}

inline bool is_function(Keyword keyword) {
  return keyword >= Keyword::advisory_lock_function && keyword <= Keyword::setseed_function;
}

}  // namespace tidegate::sql
