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

namespace {

// Without backslashes and letters beyond ASCII a text reads the same under all settings.
bool depends_on_rules(Bytes text) {
  return std::ranges::any_of(text, [](auto byte) { return byte == '\\' || byte >= 0x80; });
}

}  // namespace

// What was changed is told with the next ReadyForQuery, and until then it is not known where a
// string ends, and what stands behind it.
bool RequestWalk::may_misread(Bytes text) const {
  return session_.reading_.misleads() && depends_on_rules(text);
}

bool RequestWalk::query(Bytes message) {
  if (message.size() == kHeaderBytes || message.back() != 0) {
    return violation("a query without its terminating zero"), true;
  }
  const auto text = message.subspan(kHeaderBytes, message.size() - kHeaderBytes - 1);
  if (rules_in_flight() && depends_on_rules(text)) return stall();
  auto effects = sql::PostgresScanner::scan(text, session_.settings_->text_rules());
  if (may_misread(text)) effects.add(Effect::unreadable);
  if (!effects.none()) return query_with_effects(message, effects);
  send_query(message);
  return true;
}

bool RequestWalk::query_with_effects(Bytes message, const sql::Effects& effects) {
  if (!hears(effects)) return false;
  const bool forgets =
      effects.has(Effect::sql_deallocate) || effects.has(Effect::sql_deallocate_all);
  if (forgets && effects.statements == 1) {
    if (!state().owed.empty()) return stall();
    if (deallocate(effects)) return true;
  }
  if (!reserved_name(effects).empty()) {
    return refuse_query(Reason::reserved_name, refusal_detail(effects));
  }
  // The stand-in of a DEALLOCATE, which may fail, would be in its way.
  if (effects.has(Effect::sql_prepare) && session_.doubts_.in_flight() && unsettled())
    return stall();
  if (opens_forbidden_transaction(effects)) {
    return refuse_query(Reason::transaction_refused, refusal_detail(effects));
  }
  const auto text = as_text(message.subspan(kHeaderBytes, message.size() - kHeaderBytes - 1));
  note_reading(effects, text);
  const auto resets = restorations_of(effects);
  const bool resets_alone = !resets.empty() && effects.statements == 1;
  if (resets_alone && !state().owed.empty()) return stall();
  if (const auto reason = pin_for(effects, text); reason != Reason::none) {
    return refuse_query(reason, {});
  }
  if (resets_alone) return reset_alone(message, resets.front());
  if (!resets.empty()) return reset_among_others(message, resets);
  send_query(message);
  return true;
}

// A simple query ends a pipeline as a Sync does, and destroys the unnamed statement (PostgreSQL
// manual, 55.2.3).
void RequestWalk::send_query(Bytes message) {
  owe_query();
  to_server_.pass(message);
}

OwedReply& RequestWalk::owe_query() {
  auto& owed = owe(Reply::query);
  if (session_.unnamed_ != nullptr) {
    replace_unnamed(owed, nullptr);
  } else {
    state().unnamed.reset();
  }
  end_segment();
  if (state().segment_statement != nullptr) drop_segment(state());
  return owed;
}

bool RequestWalk::begin_query(const MessageHeader&, Bytes part) {
  if (rules_in_flight()) return stall();
  session_.scanner_ = std::make_unique<sql::PostgresScanner>();
  session_.scanner_->begin(session_.settings_->text_rules());
  session_.scanner_->push(part.subspan(kHeaderBytes));
  session_.streaming_ = Session::Streaming::query;
  send_query(part);
  return true;
}

// The tail of a long text has passed, and with it the server may begin: whatever the text does to
// the session it does now. What cannot be allowed can only be stopped by closing the server, which
// has not read the end of the message yet.
void RequestWalk::end_query() {
  judge_streamed("found at the end of a long query");
}

void RequestWalk::judge_streamed(std::string_view where) {
  auto effects = session_.scanner_->finish();
  session_.scanner_.reset();
  if (effects.has(Effect::set_local)) session_.reading_.changes_unseen();
  if (changes_of(effects).settings) session_.reading_.may_change_text_rules();
  if (session_.reading_.misleads()) effects.add(Effect::unreadable);
  session_.hears_late(effects);
  auto reason = pin_for(effects, std::nullopt);
  if (!reserved_name(effects).empty()) reason = Reason::reserved_name;
  // There is no place any more for what must follow a RESET.
  if (!restorations_of(effects).empty()) reason = Reason::feature_refused;
  if (reason == Reason::none) return;
  session_.drop_and_fail(reason, where);
}

// Sent in its place: a text that PostgreSQL refuses to read. It fails the transaction as the
// refused statement should, and the client reads our error instead.
bool RequestWalk::refuse_query(Reason reason, std::string_view detail) {
  auto& owed = owe_query();
  owed.error = reason;
  owed.name = detail;
  write_query(to_server_.own(), "refused");
  return true;
}

}  // namespace tidegate::postgres
