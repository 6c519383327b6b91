// Statements that a server lacks, put there unseen before a request that uses them. PostgreSQL
// reads a text once, at its Parse: literals, names and the types of parameters stay what they were
// under the settings of that moment. So the text is read again under those settings, whatever they
// are by now; and where something is in force that no report tells of, what is read stays apart
// from what others share.
#include <utility>

#include "postgres/messages.h"
#include "postgres/request_messages.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {

// What is there was read as it should be.
void RequestWalk::need_statement(StatementRef& statement) {
  auto& server = state();
  if (server.statements.touch(statement->key)) return;
  note_doubt();
  auto here = for_here(statement, Naming::named);
  const bool is_other = here != statement;
  statement = std::move(here);
  if (is_other && server.statements.touch(statement->key)) return;
  read_as_before(*statement, [&] { send_parse(statement, Action::skip, {}); });
}

// Many drivers ask once what the rows of a statement look like, when they prepare it. Where its
// table changed since, a server that held it refuses it; one that gets it only now, or that got it
// for others, would send rows which the client takes for those that it knows. What the server says
// must be known before anything runs, so it costs a wait, once for each statement that is put on a
// server. What is there may be the older one: it is parsed anew before it is asked.
RequestWalk::Rows RequestWalk::compare_rows(StatementRef statement, RowShape told) {
  auto& server = state();
  if (server.status == 'E') return Rows::same;  // it is refused anyway
  statement = for_here(statement, Naming::named);
  if (session_.rows_asked_ && !server.owed.empty()) return Rows::asked;
  const bool answered = std::exchange(session_.rows_asked_, false);
  const auto rows = server.statements.rows(statement->key);
  if (rows == told) return Rows::same;
  if (answered) return rows == RowShape::unknown ? Rows::same : Rows::changed;
  server.statements.mark_stale(statement->key);
  if (must_wait_to_put(*statement)) return Rows::asked;
  need_statement(statement);
  write_describe_statement(to_server_.own(), statement->server_name);
  owe(Reply::describe, Action::skip).statement = statement;
  extended_sent('d', {});
  session_.rows_asked_ = true;
  return Rows::asked;
}

// Somebody changed it past Tidegate, if this is the first who notices.
bool RequestWalk::refuse_changed_rows(const Statement& statement) {
  if (statement.circumstances.schema == session_.schema_version()) session_.schema_changed();
  return refuse(Reason::rows_changed, {});
}

bool RequestWalk::has_unnamed() const {
  const auto& unnamed = session_.unnamed_;
  const auto& server = session_.server_->state();
  return unnamed != nullptr && (server.unnamed == unnamed || !unnamed->kept);
}

// The unnamed statement outlives its transaction and dies with the next unnamed Parse or simple
// query. On a server that others used since, it is put back from the session's copy, or what they
// left is taken away.
void RequestWalk::need_unnamed() {
  if (has_unnamed()) return;
  note_doubt();
  auto& unnamed = session_.unnamed_;
  if (unnamed == nullptr) {
    write_close_statement(to_server_.own(), {});
    owe(Reply::close, Action::skip);
  } else {
    unnamed = for_here(unnamed, Naming::unnamed);
    read_as_before(*unnamed, [&] {
      write_parse(to_server_.own(), {}, unnamed->text_and_types);
      owe(Reply::parse, Action::skip).statement = unnamed;
    });
    ++session_.traffic_.server_parses;
  }
  state().unnamed = unnamed;
  extended_sent('P', {});
}

bool RequestWalk::would_read_alike(const Statement& statement) const {
  const auto salt = session_.reading_salt();
  return (salt == 0 || salt == statement.circumstances.salt) &&
         statement.settings->shape() == session_.settings_->shape();
}

StatementRef RequestWalk::for_here(const StatementRef& statement, Naming naming) {
  const auto now = session_.circumstances();
  auto circumstances = statement->circumstances;
  if (now.salt == 0 || circumstances.salt == now.salt) return statement;
  circumstances.salt = now.salt;
  // What is read by definitions that may be rolled back is not to be found again.
  if (session_.changes_schema_) circumstances = now;
  return session_.workshop_.statements.intern(statement->text_and_types, statement->settings,
                                              naming, circumstances);
}

// Commands are read when they run, but for the query in a CREATE TABLE AS. What the settings are
// cannot be put back while it is not known.
template <typename Parse>
void RequestWalk::read_as_before(const Statement& statement, Parse parse) {
  const auto& now = *session_.settings_;
  const bool same = statement.settings->shape() == now.shape();
  const bool is_command = statement.effects.has_other_than(sql::Effect::defines);
  const bool stays = same || session_.reading_.unreported() || is_command;
  const auto before = stays ? std::string{} : reading_command(now, *statement.settings);
  if (!before.empty()) ask_unseen(before, Action::skip);
  parse();
  if (!before.empty()) ask_unseen(reading_command(*statement.settings, now), Action::skip);
}

}  // namespace tidegate::postgres
