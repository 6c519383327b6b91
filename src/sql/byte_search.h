// What the lexer does with most bytes of a text: pass over them, sixteen at a time where the
// processor can (SSE2, which every x86-64 has).
#pragma once

#include <array>
#include <cstddef>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tidegate::sql {

// What an identifier is made of: letters, digits, _ and $, and every byte beyond ASCII.
constexpr bool starts_word(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}
constexpr bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}
inline constexpr auto kContinuesWord = [] {
  std::array<bool, 256> continues{};
  for (std::size_t i = 0; i < continues.size(); ++i) {
    const auto c = static_cast<unsigned char>(i);
    continues[i] = starts_word(c) || is_digit(c) || c == '$';
  }
  return continues;
}();

#ifdef __SSE2__
inline __m128i load_16(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// Bit n is set when byte n does not continue a word.
inline unsigned word_breaks_16(const char* at) {
  const auto equals = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  // Signed comparison: c - first - 128 < count - 128 is one test for first <= c < first + count.
  const auto within = [](__m128i bytes, char first, char count) {
    const __m128i shifted = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - first)));
    return _mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(-128 + count)));
  };
  const __m128i bytes = load_16(at);
  const __m128i lower_case = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  const __m128i ascii =
      _mm_or_si128(_mm_or_si128(within(lower_case, 'a', 26), within(bytes, '0', 10)),
                   _mm_or_si128(equals(bytes, '_'), equals(bytes, '$')));
  // A byte beyond ASCII has the bit that movemask reads.
  return ~static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ascii, bytes))) & 0xffff;
}
#endif

// The first byte that does not continue a word, or `end`.
inline const char* find_word_end(const char* at, const char* end) {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    const unsigned breaks = word_breaks_16(at);
    if (breaks != 0) return at + __builtin_ctz(breaks);
  }
#endif
  while (at != end && kContinuesWord[static_cast<unsigned char>(*at)]) ++at;
  return at;
}

// The first `a` or `b`, or `end`.
inline const char* find_either(const char* at, const char* end, char a, char b) {
#ifdef __SSE2__
  const __m128i all_a = _mm_set1_epi8(a);
  const __m128i all_b = _mm_set1_epi8(b);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = load_16(at);
    const __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, all_a), _mm_cmpeq_epi8(bytes, all_b));
    const int mask = _mm_movemask_epi8(hits);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && *at != a && *at != b) ++at;
  return at;
}

}  // namespace tidegate::sql
