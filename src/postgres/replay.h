// What turns a server that has one session's settings into one that has another's: the difference,
// in as few commands as can be, ahead of the client's own bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "postgres/owed.h"
#include "postgres/settings.h"

namespace tidegate::postgres {

// In the order in which they are sent. It points into the settings that it was made from.
struct Replay {
  std::vector<std::string_view> closes;             // statements that were prepared in SQL
  std::string sql;                                  // one simple query; empty: nothing to set
  std::vector<const Settings::Prepared*> prepares;  // each a query of its own, for it may fail
  bool needs_reply = false;  // something in it can fail (custom names): await its reply first

  bool none() const { return closes.empty() && sql.empty() && prepares.empty(); }
};
Replay replay(const Settings& have, const Settings& want);

// Every answer to it is owed, and none is the client's.
void write_replay(const Replay& replay, OwedQueue& owed, ByteBuffer& out);

}  // namespace tidegate::postgres
