#include "sql/letters.h"

#include "base/check.h"

namespace tidegate::sql {
namespace {

constexpr std::uint8_t kHighBit = 0x80;

struct ListedEncoding {
  std::string_view name;
  Letters letters;
};
// PostgreSQL's manual, section "Character Set Support": the encodings no server can have. Of JOHAB
// it takes only letters whose bytes are all beyond ASCII.
constexpr ListedEncoding kEncodings[] = {
    {"BIG5", Letters::pairs},     {"GB18030", Letters::gb18030},          {"GBK", Letters::pairs},
    {"SJIS", Letters::shift_jis}, {"SHIFT_JIS_2004", Letters::shift_jis}, {"UHC", Letters::pairs},
};

}  // namespace

Letters letters_of(std::string_view client_encoding) {
  for (const auto& [name, letters] : kEncodings) {
    if (name == client_encoding) return letters;
  }
  return Letters::plain;
}

bool LetterMask::begins_long_letter(std::uint8_t byte) const {
  const bool half_width = letters_ == Letters::shift_jis && byte >= 0xA1 && byte <= 0xDF;
  return byte >= kHighBit && !half_width;
}

void LetterMask::mask(Bytes text, MutableBytes out) {
  TG_CHECK(text.size() == out.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i];
    if (tail_bytes_ > 0) {
      --tail_bytes_;
      // 0x30 to 0x39 in the second place: two more follow.
      const bool of_four = letters_ == Letters::gb18030 && byte >= '0' && byte <= '9';
      if (of_four && second_comes_) tail_bytes_ = 2;
      second_comes_ = false;
      out[i] = byte | kHighBit;
      continue;
    }
    const bool begins = needed() && begins_long_letter(byte);
    tail_bytes_ = begins ? 1 : 0;
    second_comes_ = begins;
    out[i] = byte;
  }
}

}  // namespace tidegate::sql
