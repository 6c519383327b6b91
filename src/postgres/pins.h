// What ties a session to one server. A statement that leaves something behind on its server which
// Tidegate neither tracks nor replays (a temporary table, a lock, a role) pins: the session keeps
// that server until it leaves or says DISCARD ALL. Settings are tracked; see inquiry.h.
#pragma once

#include <string_view>

#include "postgres/reading.h"
#include "sql/effects.h"

namespace tidegate::postgres {

// The name of the reason, for the operator; empty when the statement may run on any server.
std::string_view pin_reason(const sql::Effects& effects);

// What running it may change for the texts behind it: a Parse waits, to be read as it will find
// things.
Changes changes_of(const sql::Effects& effects);
// Whether running this text may change how the scanner has to read the next one. The end of a
// transaction may as well, if something in it did.
bool may_change_text_rules(const sql::Effects& effects, std::string_view text);

}  // namespace tidegate::postgres
