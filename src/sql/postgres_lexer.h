// Cuts SQL into tokens the way PostgreSQL's own lexer does (src/backend/parser/scan.l), as far as
// token boundaries go: comments (nested), string literals in all forms ('', E'', B'', X'', N'',
// U&'', $tag$), quoted identifiers. Values are not needed and not kept. It may stop and resume at
// any byte; what it must remember then fits in a hundred bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "sql/postgres_keywords.h"
#include "sql/postgres_statement.h"

namespace tidegate::sql {

class PostgresLexer {
 public:
  void begin(bool standard_strings);
  void push(Bytes text, PostgresStatementReader& reader);
  // Tells the token that the end of the text completes.
  void finish(PostgresStatementReader& reader);

 private:
  // What the bytes before the next one were.
  enum class State : std::uint8_t {
    between,  // nothing that is unfinished
    word,
    unicode_prefix,  // U&, which a quote makes a prefix
    quoted,          // inside "..."
    quoted_end,      // behind a " that may be the first of two
    string,
    string_backslash,
    dollar,       // $ and letters: a dollar quote opens, or a parameter
    dollar_body,  // inside $tag$...
    dollar_end,   // ... $ and the first letters of the tag
    dash,
    line_comment,
    slash,
    block_comment,
    block_comment_star,
    block_comment_slash,
    lost,  // a token too long to be kept: nothing behind it can be told
  };
  // A quote right behind a string doubles a quote; behind blanks with a newline it continues the
  // string. Either way what follows is read as the first part was.
  enum class StringEnd : std::uint8_t { none, touching, blanks, newline };

  const char* step(const char* at, const char* end, PostgresStatementReader& reader);
  const char* between(const char* at, const char* end, PostgresStatementReader& reader);
  void punctuation(char c, PostgresStatementReader& reader);
  const char* word(const char* begin, const char* end, PostgresStatementReader& reader);
  const char* resume_word(const char* begin, const char* end, PostgresStatementReader& reader);
  const char* prefix_or_word(char word, const char* at, PostgresStatementReader& reader);
  const char* unicode_prefix(const char* at, PostgresStatementReader& reader);
  const char* quoted(const char* at, const char* end);
  const char* quoted_end(const char* at, PostgresStatementReader& reader);
  const char* string(const char* at, const char* end);
  const char* dollar(const char* at, PostgresStatementReader& reader);
  const char* dollar_body(const char* at, const char* end);
  const char* dollar_end(const char* at);
  const char* operator_or_comment(const char* at, PostgresStatementReader& reader);
  const char* line_comment(const char* at, const char* end);
  const char* block_comment(const char* at, const char* end);
  void open_string(PostgresStatementReader& reader, bool backslash_escapes);
  void open_quoted(bool escaped);
  void keep(std::string_view part);
  std::string_view kept() const { return {kept_.data(), kept_length_}; }

  State state_ = State::between;
  StringEnd string_end_ = StringEnd::none;
  bool standard_strings_ = true;
  bool backslash_escapes_ = false;  // in this string
  bool escaped_name_ = false;       // this quoted identifier is a U&"..."
  std::uint8_t kept_length_ = 0;
  std::uint8_t tag_matched_ = 0;
  std::uint32_t comment_depth_ = 0;
  // A word or quoted identifier that was cut, cut to what PostgreSQL keeps of it; or the tag.
  std::array<char, kIdentifierBytesMax> kept_;
};

}  // namespace tidegate::sql
