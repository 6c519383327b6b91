// Reads SQL as it streams by and tells what it does to the session. It is a lexer with a small
// grammar on top, not a parser: it knows comments (nested), string literals in all of PostgreSQL's
// forms ('', E'', B'', X'', N'', U&'', $tag$), quoted identifiers, semicolons, and the first words
// of the statements that matter; everything else passes at memchr-like speed. It is resumable at
// any byte, so a megabyte of text needs no buffer, and it allocates nothing unless a name must be
// told.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "sql/effects.h"
#include "sql/letters.h"
#include "sql/postgres_lexer.h"
#include "sql/postgres_statement.h"

namespace tidegate::sql {

// What the session has set when the text arrives. It holds for the whole text, for PostgreSQL reads
// all of it before it runs its first statement.
struct TextRules {
  bool standard_strings = true;  // standard_conforming_strings
  Letters letters = Letters::plain;
};

// A small value: a session whose text is incomplete holds one, an idle session none.
class PostgresScanner {
 public:
  void begin(TextRules rules);
  void push(Bytes text);
  // The text is complete (a terminating zero byte is not part of it).
  const Effects& finish();

  // The usual case, a whole short text, in one call.
  static Effects scan(Bytes text, TextRules rules = {});

  // Whether what was pushed ends between this statement, counted from 1, and the next one.
  bool is_behind(int statement) const { return reader_.is_behind(statement); }

 private:
  void push_masked(Bytes text);

  PostgresLexer lexer_;
  PostgresStatementReader reader_;
  LetterMask mask_;
};
static_assert(sizeof(PostgresScanner) <= 256);

// Where statements of a text end, found in one pass over it.
class StatementEnds {
 public:
  StatementEnds(Bytes text, TextRules rules) : text_(text) { scanner_.begin(rules); }

  // How many bytes of the text make up its statements up to this one, counted from 1, and the
  // semicolon behind it; npos when no semicolon follows. To be asked in the statements' order.
  std::size_t behind(int statement);

 private:
  Bytes text_;
  std::size_t read_ = 0;
  PostgresScanner scanner_;
};

}  // namespace tidegate::sql
