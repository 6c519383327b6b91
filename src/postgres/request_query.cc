// Simple queries: the scanner reads every text, and what it finds decides whether the query may
// run on a shared server, ties the session to this one, or is answered here.
#include <algorithm>

#include "postgres/messages.h"
#include "postgres/pins.h"
#include "postgres/replan.h"
#include "postgres/request_messages.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {

using sql::Effect;

bool RequestWalk::query(Bytes message) {
  if (message.size() == kHeaderBytes || message.back() != 0) {
    return violation("a query without its terminating zero"), true;
  }
  const auto text = message.subspan(kHeaderBytes, message.size() - kHeaderBytes - 1);
  const auto effects = sql::PostgresScanner::scan(text, session_.settings_->standard_strings());
  if (!effects.none()) return query_with_effects(message, effects);
  send_query(message);
  return true;
}

bool RequestWalk::query_with_effects(Bytes message, const sql::Effects& effects) {
  const bool forgets =
      effects.has(Effect::sql_deallocate) || effects.has(Effect::sql_deallocate_all);
  if (forgets && effects.statements == 1) {
    if (!state().owed.empty()) return stall();
    if (deallocate(effects)) return true;
  }
  if (session_.rules_.mode == PoolMode::statement && effects.has(Effect::opens_transaction)) {
    return refuse_query(Reason::feature_refused, "pool_mode is statement");
  }
  if (const auto reason = pin_for(effects); reason != Reason::none) {
    return refuse_query(reason, {});
  }
  send_query(message);
  return true;
}

// DEALLOCATE of a statement that the client prepared by the protocol: the server knows it by
// another name and shares it with others, so only the session forgets it. The command is answered
// here and a Sync brings the true ReadyForQuery.
bool RequestWalk::deallocate(const sql::Effects& effects) {
  if (state().status == 'E') return false;
  const bool all = effects.has(Effect::sql_deallocate_all);
  if (all) {
    if (session_.pinned_) return false;
    session_.names_.clear();
  } else {
    if (effects.names.size() != 1) return false;
    if (session_.names_.erase(effects.names.front().text) == nullptr) return false;
  }
  owe(Reply::execute, Action::fake).name = all ? "DEALLOCATE ALL" : "DEALLOCATE";
  owe(Reply::sync);
  drop_segment(state());
  write_sync(to_server_.own());
  end_segment();
  return true;
}

// A simple query ends a pipeline as a Sync does, and destroys the unnamed statement (PostgreSQL
// manual, 55.2.3).
void RequestWalk::send_query(Bytes message) {
  auto& owed = owe(Reply::query);
  if (session_.unnamed_ != nullptr) {
    owed.before = std::move(session_.unnamed_);
    session_.unnamed_.reset();
    session_.unnamed_fresh_ = true;
  }
  if (session_.holds_large_unnamed_) {
    session_.holds_large_unnamed_ = false;
    if (!session_.pinned_) session_.unpin();
  }
  auto& server = state();
  server.unnamed.reset();
  end_segment();
  if (server.segment_statement != nullptr) drop_segment(server);
  to_server_.pass(message);
}

bool RequestWalk::begin_query(const MessageHeader&, Bytes part) {
  session_.scanner_ = std::make_unique<sql::PostgresScanner>();
  session_.scanner_->begin(session_.settings_->standard_strings());
  session_.scanner_->push(part.subspan(kHeaderBytes));
  session_.streaming_ = Session::Streaming::query;
  send_query(part);
  return true;
}

// The tail of a long text has passed, and with it the server may begin: whatever the text does to
// the session it does now. What cannot be allowed can only be stopped by closing the server, which
// has not read the end of the message yet.
void RequestWalk::end_query() {
  const auto effects = session_.scanner_->finish();
  session_.scanner_.reset();
  const auto reason = pin_for(effects);
  if (reason == Reason::none) return;
  session_.drop(reason);
  session_.fail(reason, "found at the end of a long query");
}

// Sent in its place: a text that PostgreSQL refuses to read. It fails the transaction as the
// refused statement should, and the client reads our error instead.
bool RequestWalk::refuse_query(Reason reason, std::string_view detail) {
  auto& owed = owe(Reply::query);
  owed.error = reason;
  owed.name = detail;
  drop_segment(state());
  end_segment();
  state().unnamed.reset();
  write_query(to_server_.own(), "refused");
  return true;
}

}  // namespace tidegate::postgres
