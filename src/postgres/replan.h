// "cached plan must not change result type": a table changed under a prepared statement. PostgreSQL
// tells the client, which with a direct connection would prepare anew. Behind a pooler the client
// may never have seen this server, so where nothing could have happened yet, and the client asks
// for the columns anew, the statement is closed, parsed afresh and run again, unseen. The same
// cure serves a server that lost a statement by a DEALLOCATE that Tidegate could not see (in a
// function). Elsewhere the client reads the error, and the next use of the statement parses it
// anew.
#pragma once

#include <string_view>

#include "postgres/messages.h"
#include "postgres/server_state.h"

namespace tidegate::postgres {

inline constexpr std::size_t kSegmentBytesMax = 4096;

// A Bind of `statement` opens a pipeline segment outside a transaction; `sent` is that message.
void keep_segment(ServerState& state, const StatementRef& statement, Bytes sent);
// A further message of the segment; only Describe of a portal, Execute and Sync leave it fit.
void extend_segment(ServerState& state, char type, Bytes sent);
void drop_segment(ServerState& state);

// "cached plan must not change result type": what it reads is defined otherwise now.
bool is_stale_plan(const ErrorFields& error);
// By which drivers know it, whatever the language of its text.
inline constexpr std::string_view kStalePlanRoutine = "RevalidateCachedQuery";

// The front request failed. True: it will be tried again (state.resend), and this error is not the
// client's to see. A statement that cannot be run again is marked stale.
bool replan(const ErrorFields& error, ServerState& state);

}  // namespace tidegate::postgres
