#include "sql/letters.h"

#include <gtest/gtest.h>

#include "sql/postgres_scanner.h"

namespace tidegate::sql {
namespace {

std::string masked(Letters letters, std::string_view text, std::size_t cut) {
  LetterMask mask(letters);
  std::string out(text);
  const auto bytes = [&](std::size_t from, std::size_t count) {
    return MutableBytes(reinterpret_cast<std::uint8_t*>(out.data()) + from, count);
  };
  mask.mask(as_bytes(text.substr(0, cut)), bytes(0, cut));
  mask.mask(as_bytes(text.substr(cut)), bytes(cut, text.size() - cut));
  return out;
}

struct Case {
  const char* encoding;
  std::string text;
  std::string masked;
};

class LettersTest : public testing::TestWithParam<Case> {};

TEST_P(LettersTest, HideNoAsciiOnceMasked) {
  const auto& test = GetParam();
  for (std::size_t cut = 0; cut <= test.text.size(); ++cut) {
    EXPECT_EQ(masked(letters_of(test.encoding), test.text, cut), test.masked) << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Encodings, LettersTest,
    testing::Values(Case{"SJIS", "'\x83\x5c' \xb1' \x81\x7c", "'\x83\xdc' \xb1' \x81\xfc"},
                    Case{"SHIFT_JIS_2004", "\x83\x5c'", "\x83\xdc'"},
                    Case{"BIG5", "\xb5\x5c'", "\xb5\xdc'"}, Case{"GBK", "\x81\x5c'", "\x81\xdc'"},
                    Case{"UHC", "\x81\x41'", "\x81\xc1'"},
                    Case{"JOHAB", "\x8f\xa1\xa1'", "\x8f\xa1\xa1'"},
                    Case{"GB18030", "\x81\x30\x81\x30'\x81\x5c'", "\x81\xb0\x81\xb0'\x81\xdc'"},
                    Case{"UTF8", "\xe2\x82\xac'", "\xe2\x82\xac'"}));

TEST(Letters, OtherEncodingsArePlain) {
  EXPECT_EQ(letters_of("UTF8"), Letters::plain);
  EXPECT_EQ(letters_of("EUC_JP"), Letters::plain);
  EXPECT_NE(letters_of("SJIS"), Letters::plain);
}

// Read byte by byte, the letter's second half would escape the quote, and the string would go on.
TEST(Letters, ABackslashInsideALetterEscapesNothing) {
  const std::string text = "SELECT E'\x83\x5c'; BEGIN; SELECT '\x83\x5c'";
  const auto read = [&](Letters letters) {
    return PostgresScanner::scan(as_bytes(text), {.letters = letters});
  };
  EXPECT_TRUE(read(Letters::shift_jis).has(Effect::opens_transaction));
  EXPECT_EQ(read(Letters::shift_jis).statements, 3);
  EXPECT_FALSE(read(Letters::plain).has(Effect::opens_transaction));
}

TEST(Letters, ALetterMayBeCut) {
  const std::string text = "SELECT E'\x83\x5c'; BEGIN";
  PostgresScanner scanner;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    scanner.begin({.letters = Letters::shift_jis});
    scanner.push(as_bytes(text).first(cut));
    scanner.push(as_bytes(text).subspan(cut));
    EXPECT_TRUE(scanner.finish().has(Effect::opens_transaction)) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace tidegate::sql
