// What a statement does to the session it runs in, as far as its text tells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::sql {

// Effects marked (named) tell in Effects::names what they act on.
enum class Effect : std::uint8_t {
  set_parameter,    // SET [SESSION] name, SET TIME ZONE / NAMES / SCHEMA / ... (named)
  set_local,        // SET LOCAL, SET TRANSACTION, SET CONSTRAINTS, set_config(..., true): ends with
                    // the transaction
  set_role,         // SET ROLE, SET SESSION AUTHORIZATION, and their RESETs
  reset_parameter,  // RESET name, SET [SESSION] name TO DEFAULT (named)
  reset_local,      // SET LOCAL name TO DEFAULT (named)
  reset_all,        // (named "*", which tells where it stands)
  discard_all,
  discard_other,  // DISCARD PLANS / SEQUENCES / TEMP
  set_config,     // calls set_config(...) otherwise, or updates the view pg_settings, which does it
  listen,         // (named)
  unlisten,       // (named; "*" for all channels)
  notify,         // NOTIFY, pg_notify(...)
  temp_object,    // CREATE TEMP ..., SELECT INTO TEMP, also via pg_temp.
  advisory_lock,  // pg_advisory_lock & friends that last beyond the transaction
  advisory_unlock,  // pg_advisory_unlock & friends
  sql_prepare,      // PREPARE name AS (named)
  sql_execute,      // (named)
  sql_deallocate,   // one name (named)
  sql_deallocate_all,
  cursor_with_hold,
  closes_cursor,
  load,
  setseed,            // setseed(...), SET seed
  session_function,   // a function of PostgreSQL's that leaves something else in the session: a
                      // backup, a temporary replication slot, a connection of dblink
  opens_transaction,  // BEGIN, START TRANSACTION, COMMIT AND CHAIN
  ends_transaction,   // COMMIT, ROLLBACK (not TO), END, ABORT, PREPARE TRANSACTION
  rolls_back_to,      // ROLLBACK TO a savepoint
  defines,            // CREATE, ALTER, DROP, IMPORT, SELECT INTO, COMMIT PREPARED: what is read
                      // behind it may mean something else
  opaque,             // runs what the text does not show: DO, CALL, query_to_xml(...)
  unreadable,         // too odd to be read to its end: whatever stands above may be in it
  count_,
};
static_assert(static_cast<unsigned>(Effect::count_) <= 32);

struct Effects {
  // A text with more names than this is unreadable.
  static constexpr std::size_t kNamesMax = 64;

  struct Name {
    Effect effect;
    // Settings in lower case always, for PostgreSQL compares them so; other names in lower case
    // unless they were quoted.
    std::string text;
    int statement = 1;  // which of the non-empty ones it stands in, from 1
    bool operator==(const Name&) const = default;
  };

  std::uint32_t bits = 0;
  int statements = 0;       // non-empty ones between semicolons
  std::vector<Name> names;  // in the order of the text

  void add(Effect effect) { bits |= 1u << static_cast<unsigned>(effect); }
  bool has(Effect effect) const { return (bits >> static_cast<unsigned>(effect)) & 1u; }
  bool has_other_than(Effect effect) const {
    return (bits & ~(1u << static_cast<unsigned>(effect))) != 0;
  }
  bool none() const { return bits == 0; }
  bool operator==(const Effects&) const = default;
};

}  // namespace tidegate::sql
