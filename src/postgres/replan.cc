#include "postgres/replan.h"

namespace tidegate::postgres {
namespace {

bool is_stale_plan(const ErrorFields& error) {
  return error.sqlstate == "0A000" && error.routine == "RevalidateCachedQuery";
}

// The segment is complete, and the error answers its first message: nothing of it was executed,
// and nothing of its replies was forwarded.
bool may_run_again(ServerState& state) {
  if (!state.segment_complete || state.segment_statement == nullptr) return false;
  const auto last = state.owed.size() - 1;
  return state.owed.front().reply == Reply::bind && last >= 1 && last <= 3 &&
         state.owed.at(last).reply == Reply::sync && state.owed.readies() == 1;
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

bool replan(const ErrorFields& error, ServerState& state) {
  const bool stale = is_stale_plan(error);
  const bool missing = error.sqlstate == "26000";
  if (!stale && !missing) return false;
  const auto statement = state.owed.front().statement;
  if (statement == nullptr || state.owed.front().reply != Reply::bind) return false;
  if (!may_run_again(state) || state.segment_statement != statement) {
    if (stale) state.statements.mark_stale(statement->key);
    if (missing) state.statements.clear();
    return false;
  }
  drop_segment(state);  // once only
  if (missing) state.statements.clear();
  const auto first = state.owed.size();
  const bool described = first == 4;
  while (state.owed.size() > 1) state.owed.pop();
  state.owed.front().action = Action::skip;  // the Sync that ends the failed try
  write_close_statement(state.resend, statement->server_name);
  state.owed.push(Reply::close, Action::skip);
  write_parse(state.resend, statement->server_name, statement->text_and_types);
  state.owed.push(Reply::parse, Action::skip).statement = statement;
  state.statements.add(statement);
  ByteWriter(state.resend).bytes(state.segment);
  state.owed.push(Reply::bind).statement = statement;
  if (described) state.owed.push(Reply::describe);
  state.owed.push(Reply::execute);
  state.owed.push(Reply::sync);
  return true;
}

}  // namespace tidegate::postgres
