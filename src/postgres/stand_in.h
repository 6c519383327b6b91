// A DEALLOCATE in the extended protocol finds a stand-in on the server, an empty statement of the
// name that it asks for (see request_deallocate.cc). One that fails leaves it there, where it would
// be in the way of whoever prepares that name next.
#pragma once

#include "postgres/server_state.h"

namespace tidegate::postgres {

// What the server has to be told for that, if anything, once it reads requests again.
void take_back_stand_in(ServerState& state, ByteBuffer& out);

}  // namespace tidegate::postgres
