#include "postgres/stand_in.h"

#include "postgres/messages.h"
#include "postgres/request_messages.h"

namespace tidegate::postgres {

void take_back_stand_in(ServerState& state, ByteBuffer& out) {
  if (state.stand_in.empty()) return;
  write_close_statement(out, state.stand_in);
  write_flush(out);
  state.owed.push(Reply::close, Action::skip);
  state.stand_in.clear();
}

}  // namespace tidegate::postgres
