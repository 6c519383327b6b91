// Reads SQL as it streams by and tells what it does to the session. It is a lexer with a small
// grammar on top, not a parser: it knows comments (nested), string literals in all of PostgreSQL's
// forms ('', E'', B'', X'', N'', U&'', $tag$), quoted identifiers, semicolons, and the first words
// of the statements that matter; everything else passes at memchr-like speed. It is resumable at
// any byte, so a megabyte of text needs no buffer, and it allocates nothing unless a name must be
// told.
#pragma once

#include "base/bytes.h"
#include "sql/effects.h"

namespace tidegate::sql {

class PostgresScanner {
 public:
  // `standard_strings`: standard_conforming_strings as the session has it.
  void begin(bool standard_strings);
  void push(Bytes text);
  // The text is complete (a terminating zero byte is not part of it).
  const Effects& finish();

  // The usual case, a whole short text, in one call.
  static Effects scan(Bytes text, bool standard_strings);

 private:
  // Owned by sql/postgres_scanner.cc; sized so that an idle session does not carry it (a
  // conversation borrows the worker's scanner while a text is streaming).
};

}  // namespace tidegate::sql
