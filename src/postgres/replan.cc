#include "postgres/replan.h"

#include "postgres/framing.h"

namespace tidegate::postgres {

bool is_stale_plan(const ErrorFields& error) {
  return error.sqlstate == "0A000" && error.routine == kStalePlanRoutine;
}

namespace {

bool is_of_a_segment(const OwedReply& owed) {
  return owed.action == Action::forward &&
         (owed.reply == Reply::describe || owed.reply == Reply::execute);
}

// The segment is complete, nothing stands behind it, and the error answers its first message:
// nothing of it was executed, and nothing of its replies was forwarded.
bool may_run_again(const ServerState& state) {
  const auto& owed = state.owed;
  if (!state.segment_complete || owed.front().reply != Reply::bind ||
      owed.front().statement != state.segment_statement) {
    return false;
  }
  std::size_t i = 1;
  while (i < owed.size() && is_of_a_segment(owed.at(i))) ++i;
  return i + 1 == owed.size() && owed.at(i).reply == Reply::sync;
}

// Who does not ask what the rows look like was told before, and would read these as those.
bool asks_for_columns(const ServerState& state) {
  return state.owed.size() > 1 && state.owed.at(1).reply != Reply::execute;
}

// A format for each column: who binds so was told how many there are, and a newly parsed statement
// would be refused its Bind instead (08P01), which tells no driver to prepare anew.
bool counts_columns(Bytes bind) {
  ByteReader reader(bind.subspan(kHeaderBytes));
  reader.cstring();
  reader.cstring();
  reader.bytes(2u * reader.be16());
  for (auto values = reader.be16(); values > 0 && reader.ok(); --values) {
    const auto length = reader.be32();
    if (length != 0xffffffff) reader.bytes(length);
  }
  return reader.be16() > 1;
}

// What the segment is owed stays as it is, whatever its shape, behind the end of the failed try and
// the statement's return.
void run_again(const StatementRef& statement, ServerState& state) {
  const auto owed_again = state.owed.size();
  state.owed.push(Reply::sync, Action::skip);
  write_close_statement(state.resend, statement->server_name);
  state.owed.push(Reply::close, Action::skip);
  write_parse(state.resend, statement->server_name, statement->text_and_types);
  state.owed.push(Reply::parse, Action::skip).statement = statement;
  for (std::size_t i = 0; i < owed_again; ++i) state.owed.front_to_back();
  state.statements.add(statement);
  ByteWriter(state.resend).bytes(state.segment);
}

}  // namespace

void keep_segment(ServerState& state, const StatementRef& statement, Bytes sent) {
  if (sent.size() > kSegmentBytesMax) return drop_segment(state);
  state.segment.assign(sent.begin(), sent.end());
  state.segment_statement = statement;
  state.segment_complete = false;
}

void extend_segment(ServerState& state, char type, Bytes sent) {
  if (state.segment_statement == nullptr) return;
  const bool fits = !state.segment_complete && (type == 'D' || type == 'E' || type == 'S') &&
                    state.segment.size() + sent.size() <= kSegmentBytesMax;
  if (!fits) return drop_segment(state);
  state.segment.insert(state.segment.end(), sent.begin(), sent.end());
  state.segment_complete = type == 'S';
}

void drop_segment(ServerState& state) {
  state.segment_statement.reset();
  state.segment_complete = false;
}

// A missing one tells of a DEALLOCATE ALL that nobody saw, most likely: each of the others would
// cost its client an error too. None is forgotten, for one that is there would be in the way of its
// next Parse; they are closed, which PostgreSQL allows for what is not there, and parsed anew.
bool replan(const ErrorFields& error, ServerState& state) {
  const bool stale = is_stale_plan(error);
  const bool missing = error.sqlstate == "26000";
  if (!stale && !missing) return false;
  const auto& front = state.owed.front();
  const auto statement = front.statement;
  const bool uses_it = front.reply == Reply::bind || front.reply == Reply::describe;
  if (statement == nullptr || !uses_it) return false;
  if (missing) state.statements.mark_all_stale();
  state.statements.mark_stale(statement->key);
  if (!may_run_again(state)) return false;
  // The unnamed one was prepared just now: nothing was told before.
  const bool named = !front.name.empty();
  const bool told = named && (!asks_for_columns(state) || counts_columns(state.segment));
  if (stale && told) return false;
  drop_segment(state);  // once only
  run_again(statement, state);
  return true;
}

}  // namespace tidegate::postgres
