// The words that matter to the scanner, out of the thousands that SQL texts are made of. Nearly
// every word of a text is none of them, so the question "is it one?" is answered first, by a table
// of the lengths that occur behind each first letter.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidegate::sql {

// Several words share an entry where the scanner makes no difference between them.
enum class Keyword : std::uint8_t {
  none,
  // what a statement begins with
  abort, begin, call, commit, create, deallocate, declare, discard, do_, end, execute, explain,
  listen, load, prepare, reset, rollback, set, start, unlisten,
  // what stands further behind
  all, analyze, and_, as, atomic, authorization, case_, chain, characteristics, constraints,
  cursor, deferrable, for_, from, global, hold, insert_or_merge, into, isolation, local, names, no,
  only_or_write, or_, prepared, replace, role, routine, schema, session, table, temp, time, to,
  transaction, uescape, unlogged, update, verbose, with, xml, zone,
  // relations and schemas
  pg_settings, pg_temp,
  // functions, by what a call of them does
  advisory_lock_function, advisory_unlock_function, opaque_function, session_function,
  set_config_function, setseed_function,
  // not a word: what the reader remembers when the token before was a dot
  dot,
};

struct KeywordLengths {
  // Bit n of entry c: a keyword of length n begins with the letter c, in either case.
  std::array<std::uint64_t, 256> bits;
};
extern const KeywordLengths kKeywordLengths;

// PostgreSQL cuts identifiers to this length (NAMEDATALEN - 1); no keyword comes near it.
inline constexpr std::size_t kIdentifierBytesMax = 63;

Keyword find_listed_keyword(std::string_view word);

// `word` is 1 to kIdentifierBytesMax bytes, in any case.
inline Keyword find_keyword(std::string_view word) {
  const auto lengths = kKeywordLengths.bits[static_cast<std::uint8_t>(word[0])];
  if (((lengths >> word.size()) & 1) == 0) return Keyword::none;
  return find_listed_keyword(word);
}

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

inline bool is_function(Keyword keyword) {
  return keyword >= Keyword::advisory_lock_function && keyword <= Keyword::setseed_function;
}

}  // namespace tidegate::sql
