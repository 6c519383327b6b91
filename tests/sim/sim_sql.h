// The tiny language of the simulation. Every text in it is SQL that a real PostgreSQL would accept
// (or refuse the same way), so the proxy's scanner sees real statements; the simulated server
// understands just these forms.
//
//   SELECT 'tag:5:17'                           one row: the tag and who and where the session is
//   SELECT 'tag:5:17', $1                       ... and what the parameter was
//   SELECT 'tag:5:17', pg_sleep(0.05)           ... after a while
//   SELECT 'tag:5:17' FROM generate_series(1, 300)
//   SELECT 1/0, 'tag:5:17'                      fails when it runs
//   SELEC 'tag:5:17'                            fails when it is parsed
//   INSERT INTO effects VALUES ('tag:5:17')     leaves a mark, once committed
//   INSERT INTO effects VALUES ($1)             ... the parameter
//   COPY effects FROM STDIN /* 'tag:5:17' */    leaves a mark made from tag and data
//   COPY (SELECT 'tag:5:17' FROM generate_series(1, 9)) TO STDOUT
//   SELECT set_config('name', 'value', false), ...
//   SELECT ... FROM (VALUES ('name'), ...) ... pg_settings ...    what the session has set of these
//   BEGIN, COMMIT, ROLLBACK, SET [LOCAL], RESET, RESET ALL, SHOW, DISCARD ALL,
//   PREPARE, EXECUTE, DEALLOCATE [ALL]
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace tidegate::sim {

enum class Verb : std::uint8_t {
  nothing,  // an empty text
  select,
  set_config,
  inquire,
  fail,  // 22012 when it runs
  insert,
  copy_in,
  copy_out,
  begin,
  commit,
  rollback,
  set,
  reset,
  reset_all,
  show,
  discard_all,
  prepare,
  run_prepared,
  deallocate,
  deallocate_all,
  malformed,
};

struct Statement {
  Verb verb = Verb::malformed;
  std::string tag;    // "tag:5:17"
  std::string name;   // of a setting or statement
  std::string value;  // of a setting; the text behind PREPARE ... AS
  std::vector<std::pair<std::string, std::string>> calls;  // of set_config(); names to inquire
  bool local = false;
  int rows = 1;
  int parameters = 0;
  Duration sleep{0};

  bool returns_rows() const {
    return verb == Verb::select || verb == Verb::set_config || verb == Verb::inquire ||
           verb == Verb::fail || verb == Verb::show;
  }
  // Allowed in a failed transaction.
  bool ends_transaction() const { return verb == Verb::commit || verb == Verb::rollback; }
};

Statement parse_statement(std::string_view sql);
// All statements of a text; empty ones between semicolons are left out.
std::vector<Statement> parse_statements(std::string_view text);

}  // namespace tidegate::sim
