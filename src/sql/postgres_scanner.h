// Reads SQL as it streams by and tells what it does to the session. It is a lexer with a small
// grammar on top, not a parser: it knows comments (nested), string literals in all of PostgreSQL's
// forms ('', E'', B'', X'', N'', U&'', $tag$), quoted identifiers, semicolons, and the first words
// of the statements that matter; everything else passes at memchr-like speed. It is resumable at
// any byte, so a megabyte of text needs no buffer, and it allocates nothing unless a name must be
// told.
//
// The text must be in an encoding whose letters beyond ASCII are made of bytes beyond ASCII: see
// letters_hide_ascii().
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "sql/effects.h"
#include "sql/postgres_lexer.h"
#include "sql/postgres_statement.h"

namespace tidegate::sql {

// A small value: a session whose text is incomplete holds one, an idle session none.
class PostgresScanner {
 public:
  // `standard_strings`: standard_conforming_strings as the session has it when the text arrives. It
  // holds for the whole text, for PostgreSQL reads all of it before it runs its first statement.
  void begin(bool standard_strings);
  void push(Bytes text);
  // The text is complete (a terminating zero byte is not part of it).
  const Effects& finish();

  // The usual case, a whole short text, in one call.
  static Effects scan(Bytes text, bool standard_strings);

 private:
  PostgresLexer lexer_;
  PostgresStatementReader reader_;
};
static_assert(sizeof(PostgresScanner) <= 256);

// The client encodings (as client_encoding is reported) in which the second byte of a letter may
// look like a backslash or an ASCII letter. PostgreSQL converts before it reads, the scanner does
// not: what a session sends in one of these counts as Effect::unreadable.
bool letters_hide_ascii(std::string_view client_encoding);

}  // namespace tidegate::sql
