// In some client encodings the tail of a letter may look like ASCII: a Japanese letter in SJIS can
// end in a byte that is a backslash elsewhere. PostgreSQL converts a text before it reads it; the
// scanner, which reads what the client sent, has such bytes masked first.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace tidegate::sql {

// How to tell where a letter ends.
enum class Letters : std::uint8_t {
  plain,      // bytes of letters beyond ASCII are beyond ASCII: nothing to mask
  pairs,      // the first byte beyond ASCII takes another with it
  shift_jis,  // the same, but half-width letters stand alone
  gb18030,    // pairs, and fours whose second byte is a digit
};

// `client_encoding` as PostgreSQL reports it.
Letters letters_of(std::string_view client_encoding);

// Resumable at any byte.
class LetterMask {
 public:
  explicit LetterMask(Letters letters = Letters::plain) : letters_(letters) {}
  bool needed() const { return letters_ != Letters::plain; }
  // Sets the high bit of every byte that belongs to a letter beyond ASCII. Equal sizes.
  void mask(Bytes text, MutableBytes out);

 private:
  bool begins_long_letter(std::uint8_t byte) const;

  Letters letters_;
  std::uint8_t tail_bytes_ = 0;  // of the letter that was begun
  bool second_comes_ = false;    // the byte that tells pairs from fours
};

}  // namespace tidegate::sql
