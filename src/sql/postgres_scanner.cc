#include "sql/postgres_scanner.h"

#include <algorithm>
#include <array>

namespace tidegate::sql {

void PostgresScanner::begin(TextRules rules) {
  lexer_.begin(rules.standard_strings);
  reader_.begin();
  mask_ = LetterMask(rules.letters);
}

void PostgresScanner::push(Bytes text) {
  if (mask_.needed()) [[unlikely]]
    return push_masked(text);
  lexer_.push(text, reader_);
}

void PostgresScanner::push_masked(Bytes text) {
  std::array<std::uint8_t, 512> masked;
  while (!text.empty()) {
    const auto piece = text.first(std::min(text.size(), masked.size()));
    const auto out = MutableBytes(masked).first(piece.size());
    mask_.mask(piece, out);
    lexer_.push(out, reader_);
    text = text.subspan(piece.size());
  }
}

const Effects& PostgresScanner::finish() {
  lexer_.finish(reader_);
  return reader_.finish();
}

Effects PostgresScanner::scan(Bytes text, TextRules rules) {
  PostgresScanner scanner;
  scanner.lexer_.begin(rules.standard_strings);  // the reader is new
  scanner.mask_ = LetterMask(rules.letters);
  scanner.push(text);
  scanner.lexer_.finish(scanner.reader_);
  return std::move(scanner.reader_.finish());
}

std::size_t StatementEnds::behind(int statement) {
  while (!scanner_.is_behind(statement)) {
    if (read_ == text_.size()) return std::string_view::npos;
    scanner_.push(text_.subspan(read_++, 1));
  }
  return read_;
}

}  // namespace tidegate::sql
