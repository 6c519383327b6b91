// What RESET goes back to. For PostgreSQL that is what the session had at its login: the server's
// defaults, and over them what the client asked for in its startup packet. A server of ours was
// opened by us, so there RESET goes back to the defaults alone. Behind every statement that resets
// something, commands therefore follow that set the client's startup values again. They belong to
// the same transaction: whatever undoes the RESET undoes them.
#pragma once

#include <string>
#include <vector>

#include "postgres/messages.h"
#include "postgres/settings.h"
#include "sql/effects.h"

namespace tidegate::postgres {

struct Restoration {
  int statement = 1;                  // behind which statement of the text, from 1
  std::vector<std::string> commands;  // SET, so that they need no snapshot; without semicolons
};

// Empty where the server's own defaults, which it reported at its login, are right.
std::vector<Restoration> restorations(const sql::Effects& effects, const Settings& at_startup,
                                      const Parameters& server_defaults);

}  // namespace tidegate::postgres
