// The unnamed statement, shared. Most drivers prepare every query anew under no name, and
// PostgreSQL reads and plans it each time. A text that comes again is prepared once on each server
// and used from then on as if it had a name. Two things keep it true: what it was parsed as holds
// for a limited time only, for DDL made past Tidegate may give it other types; and a change that
// PostgreSQL notices itself ("cached plan must not change result type") must never reach a client,
// who has just prepared it. So it is done only where the whole request is there and can be run
// again unseen: outside a transaction, and nothing behind it.
#include <utility>

#include "postgres/messages.h"
#include "postgres/replan.h"
#include "postgres/request_messages.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {
namespace {

// Bind of the unnamed statement, perhaps Describe of a portal, Execute, Sync; then the end.
bool is_one_segment(Bytes messages) {
  constexpr std::string_view kOrder = "BDES";
  std::size_t place = 0;
  while (!messages.empty()) {
    MessageHeader header;
    if (read_header(messages, header) != HeaderRead::ok) return false;
    const auto total = kHeaderBytes + header.body_bytes;
    if (messages.size() < total || place == kOrder.size()) return false;
    auto body = ByteReader(messages.subspan(kHeaderBytes, header.body_bytes));
    if (place == 1 && header.type == 'E') ++place;
    if (header.type != kOrder[place]) return false;
    if (header.type == 'B' && (body.cstring(), !body.cstring().empty())) return false;
    if (header.type == 'D' && body.u8() != 'P') return false;
    messages = messages.subspan(total);
    ++place;
  }
  return place == kOrder.size();
}

// Nothing but one statement that leaves nothing behind.
bool is_plain(const Statement& statement) {
  return statement.effects.none() && statement.effects.statements == 1;
}

}  // namespace

bool RequestWalk::may_share() const {
  const auto& rules = session_.rules_;
  return rules.share_unnamed_for > Duration::zero() && rules.mode != PoolMode::session &&
         nothing_of_the_clients_is_open() && behind_.size() <= kSegmentBytesMax &&
         is_one_segment(behind_);
}

StatementRef RequestWalk::shared(Bytes text_and_types) {
  const auto circumstances = session_.circumstances();
  if (circumstances.salt != 0) return nullptr;  // nobody else may meet it
  auto known = session_.workshop_.statements.intern_repeated(text_and_types, session_.settings_,
                                                             circumstances);
  return known != nullptr && is_plain(*known) ? known : nullptr;
}

bool RequestWalk::parse_shared(StatementRef statement) {
  auto& statements = state().statements;
  const auto since = turn_.now - session_.rules_.share_unnamed_for;
  if (statements.parsed_since(statement->key, since) && statements.touch(statement->key)) {
    owe(Reply::parse, Action::fake).statement = statement;
    session_.unnamed_ = std::move(statement);
    drop_segment(state());
    answer_fakes();
    return true;
  }
  const bool was_there = has_unnamed();
  send_parse(statement, Action::forward, {});
  auto& owed = state().owed.back();
  owed.before_was_there = was_there;
  owed.before = std::exchange(session_.unnamed_, std::move(statement));
  session_.doubts_.unnamed_changed();
  return true;
}

}  // namespace tidegate::postgres
