// What a statement does to the session it runs in, as far as its text tells.
#pragma once

#include <cstdint>
#include <string>

namespace tidegate::sql {

enum class Effect : std::uint8_t {
  set_parameter,      // SET [SESSION] name, RESET name, SET TIME ZONE / NAMES / ...: `name` tells which
  set_local,          // SET LOCAL, SET TRANSACTION: ends with the transaction
  set_role,           // SET ROLE, SET SESSION AUTHORIZATION, and their RESETs
  reset_all,
  discard_all,
  discard_other,      // DISCARD PLANS / SEQUENCES / TEMP
  set_config,         // the text calls set_config(...)
  listen,
  unlisten,
  temp_object,        // CREATE TEMP ..., SELECT INTO TEMP, also via pg_temp.
  advisory_lock,      // pg_advisory_lock & friends that last beyond the transaction
  sql_prepare,        // PREPARE name AS
  sql_execute,
  sql_deallocate,     // one name
  sql_deallocate_all,
  cursor_with_hold,
  load,
  setseed,
  opens_transaction,  // BEGIN, START TRANSACTION
  ends_transaction,   // COMMIT, ROLLBACK (not TO), END, ABORT, PREPARE TRANSACTION
  opaque,             // DO, CALL: runs what the text does not show
  count_,
};

struct Effects {
  std::uint32_t bits = 0;
  int statements = 0;        // non-empty ones between semicolons
  std::string name;          // of the last set_parameter / sql_prepare / sql_deallocate, lower case

  void add(Effect effect) { bits |= 1u << static_cast<unsigned>(effect); }
  bool has(Effect effect) const { return (bits >> static_cast<unsigned>(effect)) & 1u; }
  bool none() const { return bits == 0; }
};

}  // namespace tidegate::sql
