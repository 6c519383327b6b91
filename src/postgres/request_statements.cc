// Prepared statements of the extended protocol. A client's name stands for a Statement; a server
// knows that Statement by a name made from its content. A Parse goes out only where the server
// lacks it; before a Bind or Describe it is put there unseen. Whatever PostgreSQL would refuse is
// sent on in a form that PostgreSQL refuses, so that the transaction fails with it.
#include "postgres/messages.h"
#include "postgres/pins.h"
#include "postgres/replan.h"
#include "postgres/request_messages.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {
namespace {

void write_head(ByteBuffer& out, char type, std::size_t body_bytes) {
  ByteWriter(out)
      .u8(static_cast<std::uint8_t>(type))
      .be32(static_cast<std::uint32_t>(body_bytes + 4));
}

}  // namespace

// --- Parse ---

bool RequestWalk::parse(Bytes message) {
  ByteReader reader(message.subspan(kHeaderBytes));
  const auto name = reader.cstring();
  if (!reader.ok()) return violation("a Parse without a name"), true;
  // Literals are read under the settings of the moment of Parse: those must be known.
  if (rules_in_flight()) return stall();
  if (may_misread(reader.rest())) {
    sql::Effects any;
    any.add(sql::Effect::unreadable);
    if (const auto reason = pin_for(any, {}); reason != Reason::none) return refuse(reason, {});
  }
  ++session_.traffic_.client_parses;
  return name.empty() ? parse_unnamed(message, reader.rest())
                      : parse_named(message, name, reader.rest());
}

StatementRef RequestWalk::intern(Bytes text_and_types, Naming naming) {
  return session_.workshop_.statements.intern(text_and_types, session_.settings_, naming,
                                              session_.circumstances());
}

bool RequestWalk::parse_unnamed(Bytes message, Bytes text_and_types) {
  if (may_share()) {
    if (auto known = shared(text_and_types)) return parse_shared(std::move(known));
  }
  auto statement = intern(text_and_types, Naming::unnamed);
  auto& owed = owe(Reply::parse);
  owed.statement = statement;
  replace_unnamed(owed, std::move(statement));
  extended_sent('P', message);
  to_server_.pass(message);
  return true;
}

void RequestWalk::replace_unnamed(OwedReply& by, StatementRef statement) {
  by.before_was_there = has_unnamed();
  by.before = std::move(session_.unnamed_);
  session_.doubts_.unnamed_changed();
  state().unnamed = statement;
  session_.unnamed_ = std::move(statement);
}

bool RequestWalk::parse_named(Bytes, std::string_view name, Bytes text_and_types) {
  if (names_unsettled() || being_forgotten()) return stall();
  if (session_.names_.find(name) != nullptr || session_.settings_->has_prepared(name)) {
    return unsettled() ? stall() : parse_duplicate(name, text_and_types);
  }
  if (const auto reason = room_for_name(text_and_types.size()); reason != Reason::none) {
    return refuse(reason, name);
  }
  const auto statement = intern(text_and_types, Naming::named);
  session_.names_.set(name, statement);
  session_.doubts_.name_changed();
  note_doubt();
  if (may_fake_parse(statement)) {
    auto& owed = owe(Reply::parse, Action::fake);
    owed.name = stored_name(name);
    owed.statement = statement;
    drop_segment(state());
    answer_fakes();
    return true;
  }
  return send_parse(statement, Action::forward, stored_name(name));
}

// PostgreSQL finds its own faults first: a text that is wrong, a failed transaction. So the Parse
// goes out under a name that is taken. It is one of ours and taken just before: of a shared one it
// is not certain that the server still has it, and this text must never become that statement. In a
// failed transaction the error is the same, except for a text that may end the transaction.
bool RequestWalk::parse_duplicate(std::string_view name, Bytes text_and_types) {
  if (state().status == 'E') {
    const auto text = as_text(text_and_types);
    const auto effects = sql::PostgresScanner::scan(as_bytes(text.substr(0, text.find('\0'))),
                                                    session_.settings_->text_rules());
    if (effects.has(sql::Effect::ends_transaction)) {
      return refuse(Reason::duplicate_statement, name);
    }
  }
  owe_duplicate(name);
  write_parse(to_server_.own(), kOwnStatement, text_and_types);
  extended_sent('P', {});
  return true;
}

void RequestWalk::owe_duplicate(std::string_view name) {
  auto& out = to_server_.own();
  write_close_statement(out, kOwnStatement);
  owe(Reply::close, Action::skip);
  write_parse(out, kOwnStatement, kNoText);
  owe(Reply::parse, Action::skip);
  auto& owed = owe(Reply::parse);
  owed.error = Reason::duplicate_statement;
  owed.name = name;
}

Reason RequestWalk::room_for_name(std::size_t text_bytes) const {
  const auto& names = session_.names_;
  const auto& rules = session_.rules_;
  if (names.size() >= static_cast<std::size_t>(rules.client_statements_max)) {
    return Reason::statements_full;
  }
  const bool fits = names.bytes() + text_bytes <= rules.client_statement_bytes_max;
  return fits ? Reason::none : Reason::statement_bytes_full;
}

// In a failed transaction PostgreSQL would refuse the Parse; whether it is failed is not known
// while the end of an earlier request is owed.
bool RequestWalk::may_fake_parse(const StatementRef& statement) const {
  auto& server = session_.server_->state();
  return server.status != 'E' && server.owed.readies() == 0 &&
         server.statements.touch(statement->key);
}

bool RequestWalk::send_parse(const StatementRef& statement, Action action, std::string_view name) {
  auto& server = state();
  auto& out = to_server_.own();
  const auto close = [&](const StatementRef& old) {
    write_close_statement(out, old->server_name);
    owe(Reply::close, Action::skip).statement = old;
  };
  if (server.statements.holds(statement->key)) {
    server.statements.remove(statement->key);
    close(statement);
  }
  if (const auto oldest = server.statements.evict()) close(oldest);
  write_parse(out, statement->server_name, statement->text_and_types);
  auto& owed = owe(Reply::parse, action);
  owed.statement = statement;
  owed.name = name;
  server.statements.add(statement, turn_.now);
  ++session_.traffic_.server_parses;
  extended_sent('P', {});
  return true;
}

// A text that is too long to keep cannot be put on another server: the session stays with this
// one, and the statement lives there under the client's own name.
bool RequestWalk::begin_parse(const MessageHeader& header, Bytes part) {
  ByteReader reader(part.subspan(kHeaderBytes));
  const auto name = reader.cstring();
  if (!reader.ok()) return too_large("a Parse with an endless name"), true;
  if (rules_in_flight() || (!name.empty() && (names_unsettled() || being_forgotten()))) {
    return stall();
  }
  const bool taken = !name.empty() && session_.names_.find(name) != nullptr;
  if (taken && unsettled()) return stall();
  const auto reason = taken ? Reason::none : allow_large(name);
  if (reason != Reason::none) return refuse(reason, name);
  session_.scanner_ = std::make_unique<sql::PostgresScanner>();
  session_.scanner_->begin(session_.settings_->text_rules());
  session_.streaming_ = Session::Streaming::parse;
  scan_parse(reader.rest());
  if (taken) {
    owe_duplicate(name);
    auto& out = to_server_.own();
    write_head(out, 'P', header.body_bytes - name.size() + kOwnStatement.size());
    ByteWriter(out).cstring(kOwnStatement);
    to_server_.pass(reader.rest());
  } else {
    owe_large(name);
    to_server_.pass(part);
  }
  extended_sent(header.type, {});
  return true;
}

Reason RequestWalk::allow_large(std::string_view name) {
  if (name.starts_with(kServerNamePrefix)) return Reason::reserved_name;
  const auto room = name.empty() ? Reason::none : room_for_name(0);
  return room != Reason::none ? room : session_.hold("large statement");
}

void RequestWalk::owe_large(std::string_view name) {
  auto large = std::make_shared<Statement>();
  large->kept = false;
  state().dirty = true;
  auto& owed = owe(Reply::parse);
  owed.name = stored_name(name);
  if (name.empty()) {
    owed.statement = large;
    replace_unnamed(owed, std::move(large));
    session_.pinned_by_unnamed_ = true;
  } else {
    session_.names_.set(name, std::move(large));
    session_.pinned_ = session_.pin_lasts_ = true;
    session_.doubts_.name_changed();
    note_doubt();
  }
}

// The text ends in a zero byte; the parameter types behind it are none of the scanner's business.
void RequestWalk::scan_parse(Bytes piece) {
  if (session_.text_ended_) return;
  const auto text = piece.first(
      static_cast<std::size_t>(std::ranges::find(piece, std::uint8_t{0}) - piece.begin()));
  session_.scanner_->push(text);
  session_.text_ended_ = text.size() < piece.size();
}

// What it does to the session is known only now. That is early enough: it has not run yet.
void RequestWalk::end_parse() {
  session_.text_ended_ = false;
  judge_streamed("found at the end of a long statement");
}

// --- Bind and Describe ---

bool RequestWalk::bind(const MessageHeader& header, Bytes part) {
  ByteReader reader(part.subspan(kHeaderBytes));
  const auto portal = reader.cstring();
  const auto name = reader.cstring();
  if (!reader.ok()) return violation("a Bind without its names"), true;
  if (is_noted(portal)) {
    if (!portal.empty()) {
      return state().owed.empty() ? refuse(Reason::duplicate_portal, portal) : stall();
    }
    forget_portal(portal);
  }
  if (name.empty()) return bind_unnamed(header, part, portal);
  if (names_unsettled() || block_is_asked_about()) return stall();
  const auto* known = session_.names_.meaning(name);
  if (known == nullptr || !known->statement->kept) return bind_as_named(part, name);
  auto statement = known->statement;
  if (must_wait_to_put(*statement)) return stall();
  if (known->rows != RowShape::unknown) {
    const auto verdict = compare_rows(statement, known->rows);
    if (verdict == Rows::asked) return stall();
    if (verdict == Rows::changed) return refuse_changed_rows(*statement);
  }
  return bind_known(header, portal, name, std::move(statement), reader.rest());
}

bool RequestWalk::bind_known(const MessageHeader& header, std::string_view portal,
                             std::string_view name, StatementRef statement, Bytes values) {
  if (!hears(statement->effects)) return false;
  if (const auto reason = allow_bind(portal, *statement); reason != Reason::none) {
    return refuse(reason, refusal_detail(statement->effects));
  }
  note_reading(statement->effects, as_text(statement->text_and_types));
  const bool opens_segment = nothing_of_the_clients_is_open() &&
                             values.size() <= kSegmentBytesMax && would_read_alike(*statement);
  need_statement(statement);
  ++session_.traffic_.binds;
  auto& owed = owe(Reply::bind);
  owed.statement = statement;
  owed.error = Reason::unknown_statement;
  owed.name = name;
  auto& out = to_server_.own();
  const auto begin = out.size();
  write_head(out, 'B', header.body_bytes - name.size() + statement->server_name.size());
  ByteWriter(out).cstring(portal).cstring(statement->server_name);
  to_server_.pass(values);
  state().unsynced = true;
  if (opens_segment && session_.body_left_ == 0) {
    keep_segment(state(), statement, Bytes(out).subspan(begin));
  } else {
    drop_segment(state());
  }
  return true;
}

bool RequestWalk::bind_unnamed(const MessageHeader& header, Bytes part, std::string_view portal) {
  if (session_.shares_unnamed()) {
    if (unnamed_unsettled() || must_wait_to_put(*session_.unnamed_)) return stall();
    const auto names = kHeaderBytes + portal.size() + 2;
    return bind_known(header, portal, {}, session_.unnamed_, part.subspan(names));
  }
  if (unnamed_unsettled() || (rules_in_flight() && !has_unnamed())) return stall();
  if (session_.unnamed_ != nullptr && !hears(session_.unnamed_->effects)) return false;
  if (session_.unnamed_ != nullptr) {
    const auto& effects = session_.unnamed_->effects;
    const auto reason = allow_bind(portal, *session_.unnamed_);
    if (reason != Reason::none) return refuse(reason, refusal_detail(effects));
    note_reading(effects, as_text(session_.unnamed_->text_and_types));
  }
  need_unnamed();
  ++session_.traffic_.binds;
  owe(Reply::bind);
  extended_sent('B', {});
  to_server_.pass(part);
  return true;
}

// The server does not know the name either, and its own error is the right one; or, when the
// session is pinned, it may know it from a PREPARE in SQL or from a Parse that was too long to
// keep.
bool RequestWalk::bind_as_named(Bytes part, std::string_view name) {
  if (unsettled()) return stall();
  if (name.starts_with(kServerNamePrefix)) return refuse(Reason::unknown_statement, name);
  owe(Reply::bind);
  extended_sent('B', {});
  to_server_.pass(part);
  return true;
}

bool RequestWalk::describe(Bytes message) {
  ByteReader reader(message.subspan(kHeaderBytes));
  const auto kind = reader.u8();
  const auto name = reader.cstring();
  if (!reader.ok()) return violation("a Describe without a name"), true;
  if (kind == 'S' && !name.empty() && (names_unsettled() || block_is_asked_about())) return stall();
  auto statement = kind == 'S' ? session_.names_.find(name) : nullptr;
  if (kind == 'S' && name.empty() && session_.shares_unnamed()) {
    if (unnamed_unsettled()) return stall();
    statement = session_.unnamed_;
  }
  if (statement != nullptr && !statement->kept) statement.reset();
  if (kind == 'S' && !name.empty() && statement == nullptr) {
    if (unsettled()) return stall();
    if (name.starts_with(kServerNamePrefix)) return refuse(Reason::unknown_statement, name);
  }
  if (kind == 'S' && name.empty() && statement == nullptr) {
    if (unnamed_unsettled() || (rules_in_flight() && !has_unnamed())) return stall();
    need_unnamed();
  }
  if (statement == nullptr) {
    owe(Reply::describe);
    extended_sent(kind == 'P' ? 'D' : 'd', message);
    to_server_.pass(message);
    return true;
  }
  if (must_wait_to_put(*statement)) return stall();
  auto there = statement;
  need_statement(there);
  auto& owed = owe(Reply::describe);
  owed.statement = there;
  owed.error = Reason::unknown_statement;
  owed.name = name;
  write_describe_statement(to_server_.own(), there->server_name);
  extended_sent('d', {});
  return true;
}

// --- Close ---

bool RequestWalk::close(Bytes message) {
  ByteReader reader(message.subspan(kHeaderBytes));
  const auto kind = reader.u8();
  const auto name = reader.cstring();
  if (!reader.ok()) return violation("a Close without a name"), true;
  if (kind != 'S' && kind != 'P') return close_of_nothing(message);
  if (!server_linked()) {
    if (kind == 'S') name.empty() ? session_.unnamed_.reset() : void(session_.names_.erase(name));
    write_close_complete(to_client_.own());
    return true;
  }
  if (kind == 'S' && ((session_.doubts_.in_flight() && unsettled()) || being_forgotten())) {
    return stall();
  }
  if (kind == 'P' && is_noted(name)) {
    if (!state().owed.empty()) return stall();
    forget_portal(name);
  }
  drop_segment(state());
  if (kind == 'S' && !name.empty()) {
    auto known = session_.names_.erase(name);
    if (known != nullptr || !session_.pinned_ || name.starts_with(kServerNamePrefix)) {
      const bool is_ours = known == nullptr || known->kept;
      session_.doubts_.name_changed();
      note_doubt();
      auto& owed = owe(Reply::close, is_ours ? Action::fake : Action::forward);
      owed.name = stored_name(name);
      owed.before = std::move(known);
      if (is_ours) return answer_fakes(), true;
      extended_sent('C', {});
      to_server_.pass(message);
      return true;
    }
  }
  auto& owed = owe(Reply::close);
  owed.of_portal = kind == 'P';
  if (kind == 'S') owed.name = stored_name(name);
  if (kind == 'S' && name.empty()) replace_unnamed(owed, nullptr);
  extended_sent('C', {});
  to_server_.pass(message);
  return true;
}

// Neither a statement nor a portal: PostgreSQL says what it thinks of that.
bool RequestWalk::close_of_nothing(Bytes message) {
  if (!need_server()) return false;
  drop_segment(state());
  owe(Reply::close).of_portal = true;
  extended_sent('C', {});
  to_server_.pass(message);
  return true;
}

// --- Common ---

// Settings and statements tie the session only where nobody can tell which they are, or remember
// them all.
Pin RequestWalk::pin_of(const sql::Effects& effects, std::optional<std::string_view> text) {
  const auto touched = touched_by(effects, text, *session_.settings_);
  if (touched) session_.touch(*touched);
  if (takes_settings_back(effects)) session_.touch_asked();
  auto pin = postgres::pin_of(effects, session_.has_listener());
  const auto lasting = [&](std::string_view why) { pin = {why, true}; };
  if (!touched) lasting("set_config");
  if (session_.touches_too_many()) lasting("parameter");
  const bool prepares = effects.has(sql::Effect::sql_prepare);
  if (prepares && !(text && is_repeatable_prepare(effects, *text))) lasting("prepare");
  return pin;
}

Reason RequestWalk::pin_for(const sql::Effects& effects, std::optional<std::string_view> text) {
  if (effects.none()) return Reason::none;
  if (const auto pin = pin_of(effects, text); !pin.reason.empty()) {
    const auto reason = session_.pin(pin);
    if (reason != Reason::none) return reason;
    const bool listens = effects.has(sql::Effect::listen) && !session_.has_listener();
    if (listens && session_.channels_ != nullptr) session_.listen_on_server();
  }
  if (session_.pinned_ && may_unpin(effects)) session_.touch({.holds = true});
  if (effects.has(sql::Effect::session_function)) state().lasting = true;
  if (effects.has(sql::Effect::opaque)) {
    state().opaque = true;
    session_.reading_.changes_unseen();
  }
  if (effects.has(sql::Effect::sql_deallocate_all) || effects.has(sql::Effect::discard_all)) {
    session_.doubts_.forgets_all();
  }
  session_.reading_.may_change(changes_of(effects));
  return Reason::none;
}

// PostgreSQL tells nobody of a SET LOCAL of such a setting.
void RequestWalk::note_reading(const sql::Effects& effects, std::string_view text) {
  if (effects.none()) return;
  const bool local = effects.has(sql::Effect::set_local);
  const bool concealed = local && !names_configured(text);
  if (concealed || (local && mentions_unreported_shaping(text))) {
    session_.reading_.changes_unseen();
  }
  if (concealed || may_change_text_rules(effects, text)) session_.reading_.may_change_text_rules();
}

// A pool of statements lends nothing for the length of a transaction.
bool RequestWalk::opens_forbidden_transaction(const sql::Effects& effects) const {
  return session_.rules_.mode == PoolMode::statement && effects.has(sql::Effect::opens_transaction);
}

std::string_view RequestWalk::refusal_detail(const sql::Effects& effects) const {
  return opens_forbidden_transaction(effects) ? "pool_mode is statement" : reserved_name(effects);
}

Reason RequestWalk::allow_bind(std::string_view portal, const Statement& statement) {
  const auto& effects = statement.effects;
  if (opens_forbidden_transaction(effects)) return Reason::transaction_refused;
  if (!reserved_name(effects).empty()) return Reason::reserved_name;
  if (!note_portal(portal, effects) || !note_deallocation(portal, effects)) {
    return Reason::statements_full;
  }
  if (!effects.none()) session_.reading_.bound(portal, changes_of(effects));
  return pin_for(effects, as_text(statement.text_and_types));
}

// The next request is the first of the client's; ours, which put the session's settings in place,
// may be on their way before it.
bool RequestWalk::nothing_of_the_clients_is_open() const {
  const auto& server = session_.server_->state();
  if (server.status != 'I' || server.unsynced || server.skipping || server.inside_reply) {
    return false;
  }
  for (std::size_t i = 0; i < server.owed.size(); ++i) {
    const auto& owed = server.owed.at(i);
    const bool ours = owed.action == Action::skip && owed.reply == Reply::query;
    if (!ours && owed.action != Action::fake) return false;
  }
  return true;
}

// Something that was sent may change how PostgreSQL reads the next text. Who stands behind a COPY
// that waits for its data would wait for ever, and is refused anyway.
bool RequestWalk::rules_in_flight() const {
  const auto& server = session_.server_->state();
  return session_.reading_.in_flight() && !server.owed.empty() && !server.copying_in;
}

// In the place of the request goes one that fails, and the client reads our error instead of its.
// What is still to come of a large one must not be taken for requests.
bool RequestWalk::refuse(Reason reason, std::string_view detail) {
  if (session_.body_left_ > 0) session_.streaming_ = Session::Streaming::discard;
  auto& owed = owe(Reply::describe);
  owed.error = reason;
  owed.name = detail;
  write_describe_statement(to_server_.own(), kNoSuchStatement);
  extended_sent('d', {});
  return true;
}

// Requests of earlier segments may still fail, and with them what the session believes about its
// names.
bool RequestWalk::unsettled() const {
  return session_.server_->state().owed.readies() > 0;
}

// The unnamed statement comes from an earlier segment, which may still fail.
bool RequestWalk::unnamed_unsettled() const {
  return session_.doubts_.unnamed() && unsettled();
}

// What changes names behind other requests is undone when one of those fails, or fails itself in
// the transaction that they leave behind.
void RequestWalk::note_doubt() {
  if (state().unsynced || state().status == 'E' || unsettled()) session_.doubts_.doubted();
}

bool RequestWalk::names_unsettled() const {
  return session_.doubts_.names() && unsettled();
}

// A DEALLOCATE ALL or DISCARD ALL of this link may be on its way: a statement that is put behind it
// would be taken for one that it forgets.
bool RequestWalk::being_forgotten() const {
  return session_.doubts_.forgets() && !session_.server_->state().owed.empty();
}

// A block may have hidden one. Once it is known what the block did to the settings, a request that
// finds its statement missing can be run again.
bool RequestWalk::block_is_asked_about() const {
  return session_.unknown_ != nullptr && session_.unknown_->asks_for_others();
}

// Whether it would be put on the server where it cannot be known how it is read, or that it stays.
bool RequestWalk::must_wait_to_put(const Statement& statement) const {
  return (rules_in_flight() || being_forgotten()) &&
         !session_.server_->state().statements.holds_fresh(statement.key);
}

// Waits for the replies that settle it. A server keeps replies back until a Sync or a Flush.
bool RequestWalk::stall() {
  session_.stalled_ = true;
  if (state().unsynced) write_flush(to_server_.own());
  return false;
}

}  // namespace tidegate::postgres
