#include "postgres/session.h"

#include <utility>

#include "base/planted.h"
#include "postgres/messages.h"
#include "postgres/put_right.h"
#include "postgres/replan.h"
#include "postgres/replay.h"
#include "postgres/request_walk.h"

namespace tidegate::postgres {
namespace {

// What one session has set is carried from server to server.
bool is_bounded(const Settings& settings) {
  constexpr std::size_t kBytesMax = 128 * 1024;
  std::size_t custom = 0, bytes = 0;
  for (const auto& entry : settings.entries()) {
    if (!entry.custom) continue;
    ++custom;
    bytes += entry.name.size() + entry.value.size();
  }
  for (const auto& each : settings.prepared()) bytes += each.name.size() + each.text.size();
  return custom <= Touched::kNamesMax && bytes <= kBytesMax;
}

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(duration.count() / 1000);
}

}  // namespace

Session::Session(session::ClientPort& port, Workshop& workshop,
                 const session::Destination& destination, const Welcome& welcome)
    : port_(port),
      workshop_(workshop),
      rules_(*destination.rules),
      traffic_(*destination.traffic),
      schema_(destination.schema),
      settings_(welcome.settings),
      at_startup_(welcome.at_startup),
      facts_(welcome.facts) {}

Session::~Session() {
  detach();
}

// --- Requests ---

std::size_t Session::from_client(Bytes bytes, const session::Turn& turn) {
  const auto taken = RequestWalk(*this, turn).run(bytes);
  if (server_ != nullptr) let_go();
  if (channels_ != nullptr) tell_notifications();
  return taken;
}

// A message that was kept while it had to wait.
void Session::resume(const session::Turn& turn) {
  if (stash_.empty() || !wants_input()) return;
  RequestWalk(*this, turn).retry();
}

void Session::ask_for_server() {
  waiting_ = true;
  const auto kind = rules_.mode == PoolMode::session ? HoldKind::session : HoldKind::transaction;
  port_.want_server(kind, settings_->tag());
}

// --- A server is given, or not ---

void Session::linked(ServerConversation& server, const session::Turn& turn) {
  waiting_ = false;
  server_ = &server;
  server.link(*this);
  if (rules_.mode == PoolMode::session) server.state().dirty = true;
  transaction_since_ = query_since_ = turn.now;
  settle_settings();
  if (channels_ != nullptr) put_channels();
  if (facts_ != server.state().facts && !settling_) tell_facts();
  if (stash_.empty()) return;
  resume(turn);
  if (server_ != nullptr && awaits_listener_) let_go();
  finish_if_done();  // what was kept may have needed no answer of the server's
}

// In the same write as the client's own bytes, unless the server might refuse: a SET that fails
// before an INSERT that succeeds would be a wrong answer. Putting right may fail for what is in the
// way: more temporary tables than locks, a function that was taken from everybody.
void Session::settle_settings() {
  auto& state = server_->state();
  if (state.opaque) {
    state.have = state.bare();
  } else if (unified(state.have, settings_)) {
    return;
  }
  auto commands = replay(*state.have, *settings_);
  putting_right_ = std::exchange(state.opaque, false);
  if (putting_right_) commands.sql.insert(0, kPutRight);
  if (commands.none() || planted(Planted::settings_not_replayed)) return;
  ByteBuffer out;
  write_replay(commands, state.owed, out);
  state.have = settings_;
  state.unnamed.reset();
  settling_ = commands.needs_reply || putting_right_;
  ++traffic_.settings_replays;
  server_->send(out);
}

// What this server says of itself and the last one did not: it was promoted, or is another host.
// While settings are put in place it has not said its last word: a role among them may be
// another's.
void Session::tell_facts() {
  const auto& now = server_->state().facts;
  if (unified(facts_, server_->state().facts)) return;
  ByteBuffer out;
  for (const auto& [name, value, custom] : now->entries()) {
    const auto* told = facts_->find(name);
    if (told == nullptr || *told != value) write_parameter_status(out, name, value);
  }
  facts_ = now;
  if (!out.empty()) port_.to_client(out);
}

void Session::refused(const session::Failure& why, const session::Turn& turn) {
  if (!std::exchange(waiting_, false)) return;
  // What stands behind the refused request may depend on it (a BEGIN), so the client must not go
  // on as if only one statement had failed. A cancel is the client's own wish for just that.
  if (why.reason != Reason::cancelled) return fail(why);
  refusal_ = why.reason;
  ByteBuffer error;
  write_error(error, why, "ERROR");
  port_.to_client(error);
  resume(turn);
  finish_if_done();
}

void Session::server_lost(Reason reason, std::string_view detail, const session::Turn& turn) {
  const bool last_word_said = fatal_forwarded_ || inside_reply();
  publish_schema();
  forget_sender();
  forget_channels();
  server_ = nullptr;
  const bool tied = pinned_ || pinned_by_unnamed_ || unknown_ != nullptr ||
                    (channels_ != nullptr && channels_->needs_server());
  if (holding_ready_ && !last_word_said && !tied) {  // what it was asked is done
    barrier_passed_ = true;
    return stop_holding(turn);
  }
  if (last_word_said) return close(reason, session::Farewell::flush);
  fail(reason, detail);
}

// --- Replies ---

void Session::setting_reported(std::string_view name, std::string_view value) {
  const auto* known = settings_->find(name);
  if (known != nullptr && *known == value) return;
  settings_ = workshop_.settings.intern(settings_->with(name, value));
  if (same_setting(name, "application_name")) port_.application_name_changed(value);
}

void Session::fact_reported(std::string_view name, std::string_view value) {
  const auto* known = facts_->find(name);
  if (known != nullptr && *known == value) return;
  facts_ = facts_->with(name, value);
  unified(facts_, server_->state().facts);
}

void Session::undone(const OwedReply& request, bool failed) {
  switch (request.reply) {
    case Reply::parse:
      if (request.error != Reason::none) return;
      if (!request.name.empty()) {
        names_.erase(request.name);
      } else {
        unnamed_ = failed ? nullptr : request.before;
      }
      return;
    case Reply::close:
    case Reply::execute:  // of a DEALLOCATE
      if (request.before == nullptr) return;
      if (!request.name.empty()) {
        names_.set(request.name, request.before);
      } else {
        unnamed_ = request.before;
      }
      return;
    case Reply::query:
      unnamed_ = request.before;
      return;
    default:
      return;
  }
}

void Session::rows_described(const OwedReply& request, RowShape rows) {
  names_.set_rows(request.name, request.statement, rows);
}

void Session::statements_discarded() {
  names_.clear();
}

// Nothing that was left on the server is there any more, unless something of the client's is
// already on its way to it again. (The unnamed statement stays.)
void Session::session_discarded() {
  auto& owed = server_->state().owed;
  for (std::size_t i = 1; i < owed.size(); ++i) {
    if (owed.at(i).action != Action::skip && owed.at(i).reply != Reply::sync) return;
  }
  server_->state().opaque = false;
  if (unknown_ != nullptr) unknown_->touched.holds = false;
  pin_lasts_ = false;
  if (std::exchange(pinned_, false) && !pinned_by_unnamed_) unpin();
  if (channels_ != nullptr && channels_->on_own_server()) channels_.reset();
  if (rules_.mode != PoolMode::session) server_->state().dirty = false;
}

// In the middle of a walk of its replies the server cannot be dropped; that comes at the end.
void Session::replay_failed(std::string_view message) {
  replay_error_ = std::make_unique<std::string>(message);
}

void Session::ready(char status, const session::Turn& turn) {
  ++traffic_.queries;
  traffic_.query_us += microseconds(turn.now - query_since_);
  query_since_ = turn.now;
  reading_.reported();
  if (status != 'I') return;
  publish_schema();
  ++traffic_.transactions;
  if (auto* counts = server_->state().pin_counts; counts != nullptr) ++counts->transactions;
  traffic_.transaction_us += microseconds(turn.now - transaction_since_);
  transaction_since_ = turn.now;
}

void Session::settled() {
  putting_right_ = false;
  tell_facts();
}

// Nothing of the client's has been sent. What another client left behind is not its fault: it gets
// another server, where settings of its own that are at fault will be refused again.
void Session::replay_refused() {
  const auto error = std::exchange(replay_error_, nullptr);
  const bool ours = !std::exchange(putting_right_, false);
  drop(Reason::settings_replay_failed);
  if (ours) return fail(Reason::settings_replay_failed, *error);
  ask_for_server();
}

void Session::replies_walked(const session::Turn& turn) {
  // A message that waited for these replies needs this server: it goes out before it is let go.
  const bool held_a_message = std::exchange(stalled_, false) || settling_;
  if (server_ == nullptr) return;
  if (replay_error_ != nullptr) return replay_refused();
  if (unknown_ != nullptr && !unknown_->found.reason.empty()) {
    keep_server(std::exchange(unknown_->found, {}));
    if (server_ == nullptr) return;
  }
  if (channels_ != nullptr && channels_->failed()) {
    keep_channels_here();
    if (server_ == nullptr) return;
  }
  const auto& state = server_->state();
  if (state.owed.empty()) {
    if (std::exchange(settling_, false)) settled();
    note_changes(reading_.answered(state.unsynced));
    doubts_.answered();
    if (!no_portals() && state.status == 'I' && !state.unsynced) forget_portals();
    if (pinned_by_unnamed_ && keeps_unnamed()) {
      pinned_by_unnamed_ = false;
      if (!pinned_) unpin();
    }
  }
  if (rules_.mode == PoolMode::statement && state.at_rest() == false && state.owed.empty() &&
      state.status != 'I') {
    return fail(Reason::transaction_refused, "pool_mode is statement");
  }
  if (!held_a_message) let_go();
  if (holding_ready_) stop_holding(turn);
  if (channels_ != nullptr) tell_notifications();
  resume(turn);
  finish_if_done();
}

// Whoever prepares a text from here on sees it.
void Session::publish_schema() {
  if (std::exchange(changes_schema_, false) && schema_ != nullptr) schema_->changed();
}

// A pinned server may have anything: settings that are not reported, temporary tables that hide
// others. What is parsed there is nobody else's, and what others parsed is not for here.
std::uint64_t Session::reading_salt() {
  const bool unknown = unknown_ != nullptr && unknown_->shapes_parsing();
  return pinned_ || unknown || reading_.alone() ? own_salt() : 0;
}

std::uint64_t Session::own_salt() const {
  return std::uint64_t{port_.cancel_pid()} << 32 | port_.cancel_key();
}

void Session::schema_changed() {
  changes_schema_ = true;
  ++own_version_;
}

// The transaction goes on (AND CHAIN), and what it has defined is everybody's.
void Session::committed() {
  if (changes_schema_ && schema_ != nullptr) schema_->changed();
}

// The text says that something may be defined otherwise, where the answer does not: SELECT INTO.
void Session::note_changes(Changes changed) {
  if (!changed.any()) return;
  ++own_version_;
  if (!changed.definitions) return;
  schema_changed();
  if (server_->state().status == 'I') publish_schema();
}

// What a transaction has defined anew is there for nobody else before it commits, and for nobody at
// all if it does not. A session that has its own way of reading has another one after each change.
Circumstances Session::circumstances() {
  constexpr std::uint64_t kOwnVersions = std::uint64_t{1} << 63;
  const auto salt = changes_schema_ ? own_salt() : reading_salt();
  if (salt == 0) return {.schema = schema_version()};
  return {.salt = salt, .schema = kOwnVersions | schema_version() << 32 | own_version_};
}

// --- Letting go ---

bool Session::can_release() const {
  const auto& state = server_->state();
  if (planted(Planted::release_in_transaction)) return state.owed.empty() && !state.unsynced;
  return state.at_rest() && streaming_ == Streaming::none && (!pinned_ || may_unpin()) &&
         !pinned_by_unnamed_ && !settling_ && !holding_ready_ && rules_.mode != PoolMode::session;
}

// The server goes to nobody else before it is known what the session has set there, and left.
void Session::let_go() {
  const bool asks_channels = channels_ != nullptr && must_ask_channels();
  if (!asks_channels && !can_release()) return;
  const bool misheard = server_->state().doubtful && server_->state().swallowed_syncs > 0;
  if ((asks_channels || unknown_ != nullptr) && misheard) {
    return drop_and_fail(Reason::unclean, "a COPY failed while Syncs were on their way");
  }
  if (asks_channels) return ask_channels();
  if (settings_->prepared_apart()) return keep_server({"prepare", true});
  if (unknown_ != nullptr && !unknown_->inquiry && unknown_->touched.none()) unknown_.reset();
  const bool asks = unknown_ != nullptr && (pinned_ || !planted(Planted::inquiry_forgotten));
  asks ? inquire() : release();
}

void Session::release() {
  if (server_->state().doubtful || server_->state().lasting) return drop(Reason::unclean);
  drop_segment(server_->state());
  detach();
  port_.release_server();
}

void Session::drop(Reason reason) {
  detach();
  port_.drop_server(reason);
}

void Session::detach() {
  if (server_ == nullptr) return;
  publish_schema();
  const bool inside = streaming_ != Streaming::none && streaming_ != Streaming::discard;
  if (std::exchange(settling_, false)) server_->state().dirty = true;
  if (!no_portals()) forget_portals();
  reading_.unlinked();
  doubts_.unlinked();
  forget_sender();
  forget_channels();
  server_->unlink(inside);
  server_ = nullptr;
}

void Session::forget_sender() {
  notifies_ = false;
  if (std::exchange(sends_by_server_, false)) port_.sent_all(server_->process_id());
}

// Of the server that is let go.
void Session::forget_channels() {
  asks_channels_ = false;
  if (channels_ != nullptr) channels_->unlinked();
}

Session::NotedPortals& Session::noted_portals() {
  if (portals_ == nullptr) portals_ = std::make_unique<NotedPortals>();
  return *portals_;
}

// None outlives its transaction.
void Session::forget_portals() {
  portals_.reset();
  reading_.portals_ended();
}

// What was asked before the Terminate is answered first, as PostgreSQL does.
void Session::terminated() {
  said_goodbye_ = true;
  finished_ = true;
  if (!awaits_answers()) close(Reason::client_gone, session::Farewell::flush);
}

// A COPY that the client has not ended is answered no more: the server waits for its data.
bool Session::awaits_answers() const {
  return server_ != nullptr && server_->state().owed.readies() > 0 && !server_->state().copying_in;
}

void Session::client_finished(const session::Turn&) {
  finished_ = true;
  finish_if_done();
}

// The client has closed its sending side: it gets what it is still owed, then the end. What can
// never be answered (half a message, a pipeline without its Sync) ends it at once.
void Session::finish_if_done() {
  if (!finished_ || closed_ || waiting_ || settling_ || awaits_listener_ || holding_ready_) return;
  if (stalled_ && server_ != nullptr && !server_->state().copying_in) return;
  if (!awaits_answers()) close(Reason::client_gone, session::Farewell::flush);
}

void Session::client_lost() {
  closed_ = true;
  detach();
}

bool Session::at_rest() const {
  return server_ == nullptr && !waiting_ && stash_.empty() && streaming_ == Streaming::none &&
         !discarding_ && !awaits_listener_ && !holding_ready_;
}

void Session::dismiss(Reason reason) {
  fail(reason, {});
}

void Session::fail(Reason reason, std::string_view detail) {
  fail({.reason = reason, .detail = std::string(detail)});
}

// Inside a message that was forwarded in part there is no place for an error, which would be taken
// for the rest of it: the client learns by the end of the stream, as it would without us.
bool Session::inside_reply() const {
  return server_ != nullptr && server_->state().inside_passed;
}

void Session::fail(const session::Failure& why) {
  if (closed_) return;
  if (!inside_reply()) {
    ByteBuffer error;
    write_error(error, why, "FATAL");
    port_.to_client(error);
  }
  close(why.reason, session::Farewell::flush);
}

void Session::drop_and_fail(Reason reason, std::string_view detail) {
  const bool inside = inside_reply();
  drop(reason);
  inside ? close(reason, session::Farewell::flush) : fail(reason, detail);
}

void Session::close(Reason reason, session::Farewell how) {
  if (std::exchange(closed_, true)) return;
  detach();
  port_.close_client(reason, how);
}

// --- Settings that no report tells of ---

// What one statement may have set. Until the server has said what became of it, nobody else may
// have the server.
void Session::touch(const Touched& touched) {
  if (touched.none() || rules_.mode == PoolMode::session) return;
  if (unknown_ == nullptr) unknown_ = std::make_unique<Unknown>();
  unknown_->touched.add(touched);
  server_->state().dirty = true;
}

void Session::touch_asked() {
  if (unknown_ != nullptr && unknown_->inquiry) touch(unknown_->inquiry->touched());
}

void Session::inquire() {
  auto& state = server_->state();
  auto touched = std::exchange(unknown_->touched, {});
  if (touched.others) touched.add_custom(*settings_);
  unknown_->inquiry.emplace(std::move(touched));
  ByteBuffer query;
  write_query(query, unknown_->inquiry->sql());
  state.owed.push(Reply::query, Action::skip).inquires = true;
  state.unnamed.reset();
  drop_segment(state);
  server_->send(query);
}

void Session::inquiry_row(Bytes row) {
  if (channels_ != nullptr && channels_->asking()) return channels_->take_row(row);
  if (unknown_ != nullptr && unknown_->inquiry) unknown_->inquiry->take_row(row);
}

void Session::inquiry_failed() {
  if (channels_ != nullptr && channels_->asking()) return channels_->fail();
  if (unknown_ != nullptr && unknown_->inquiry) unknown_->inquiry->fail();
}

void Session::inquiry_over() {
  if (channels_ != nullptr && channels_->asking()) return channels_answered();
  if (unknown_ == nullptr || !unknown_->inquiry) return;
  const auto answered = std::move(*unknown_->inquiry);
  unknown_->inquiry.reset();
  if (answered.failed()) {  // once by a cancel that came too late, perhaps
    unknown_->touched.add(answered.touched());
    if (std::exchange(unknown_->refused, true)) unknown_->found = {"parameter", true};
    return;
  }
  take_answer(answered);
  if (!unknown_->touched.none() || !unknown_->found.reason.empty()) return;
  unknown_.reset();
  if (server_->state().at_rest()) reading_.known();
  if (!pinned_ && !pinned_by_unnamed_) server_->state().dirty = false;
}

void Session::take_answer(const Inquiry& answered) {
  settings_ = workshop_.settings.intern(answered.answer(*settings_, server_->login_user()));
  auto& have = server_->state().have;
  const bool as_believed = answered.touched().prepared || have->prepared() == settings_->prepared();
  have = as_believed ? settings_ : settings_->with_prepared(have->prepared());
  if (!is_bounded(*settings_)) {
    unknown_->found = {"parameter", true};
  } else if (answered.holds_statement()) {
    unknown_->found = {"prepare", true};
  } else if (!answered.held().empty()) {
    if (!pinned_) unknown_->found = pin_named(answered.held());
  } else if (answered.touched().holds) {
    end_pin();
  }
}

// Unless something behind the question may have taken hold of the server again.
void Session::end_pin() {
  if (!pinned_ || pin_lasts_ || unknown_->touched.holds) return;
  pinned_ = false;
  if (!pinned_by_unnamed_) unpin();
}

// It has what the client left there.
void Session::keep_server(Pin why) {
  const auto reason = pin(why);
  if (reason != Reason::none) return drop_and_fail(reason, {});
  if (unknown_ != nullptr && unknown_->touched.none()) unknown_.reset();
}

// --- Pins ---

Reason Session::pin(Pin pin) {
  const auto reason = hold(pin.reason);
  if (reason != Reason::none) return reason;
  pinned_ = true;
  pin_lasts_ |= pin.lasts;
  server_->state().dirty = true;
  return Reason::none;
}

Reason Session::hold(std::string_view why) {
  if (pinned_ || pinned_by_unnamed_ || rules_.mode == PoolMode::session) return Reason::none;
  if (!rules_.pins_allowed) return Reason::feature_refused;
  if (!port_.hold_changed(HoldKind::pin, why)) return Reason::pins_full;
  auto& counts = traffic_.pins[why];
  ++counts.pins;
  server_->state().pin_counts = &counts;
  return Reason::none;
}

void Session::unpin() {
  server_->state().pin_counts = nullptr;
  if (rules_.mode != PoolMode::session) port_.hold_changed(HoldKind::transaction, {});
}

}  // namespace tidegate::postgres
