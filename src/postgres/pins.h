// What ties a session to one server. A statement that leaves something behind on its server which
// Tidegate neither tracks nor replays (a temporary table, a lock) pins: the session keeps that
// server until PostgreSQL says that nothing of the kind is left, or, where it cannot be asked,
// until the session leaves or says DISCARD ALL. What is tracked stands in inquiry.h.
#pragma once

#include <string_view>

#include "postgres/reading.h"
#include "sql/effects.h"

namespace tidegate::postgres {

struct Pin {
  std::string_view reason;  // for the operator; empty: the statement may run on any server
  bool lasts = false;       // PostgreSQL cannot be asked whether it still is there
};
// `listened_for`: LISTEN is none; see channels.h.
Pin pin_of(const sql::Effects& effects, bool listened_for = false);
Pin pin_named(std::string_view reason);
// Whether running it may end what a session was pinned for.
bool may_unpin(const sql::Effects& effects);

// What running it may change for the texts behind it: a Parse waits, to be read as it will find
// things.
Changes changes_of(const sql::Effects& effects);
// Whether running this text may change how the scanner has to read the next one. The end of a
// transaction may as well, if something in it did.
bool may_change_text_rules(const sql::Effects& effects, std::string_view text);

}  // namespace tidegate::postgres
