#include "sql/postgres_scanner.h"

#include <algorithm>

namespace tidegate::sql {

void PostgresScanner::begin(bool standard_strings) {
  lexer_.begin(standard_strings);
  reader_.begin();
}

void PostgresScanner::push(Bytes text) {
  lexer_.push(text, reader_);
}

const Effects& PostgresScanner::finish() {
  lexer_.finish(reader_);
  return reader_.finish();
}

Effects PostgresScanner::scan(Bytes text, bool standard_strings) {
  PostgresScanner scanner;
  scanner.lexer_.begin(standard_strings);  // the reader is new
  scanner.push(text);
  scanner.lexer_.finish(scanner.reader_);
  return std::move(scanner.reader_.finish());
}

bool letters_hide_ascii(std::string_view client_encoding) {
  // PostgreSQL's manual, section "Character Set Support": the encodings no server can have.
  constexpr std::string_view kClientOnly[] = {"BIG5",           "GB18030", "GBK", "JOHAB",
                                              "SHIFT_JIS_2004", "SJIS",    "UHC"};
  return std::ranges::find(kClientOnly, client_encoding) != std::end(kClientOnly);
}

}  // namespace tidegate::sql
