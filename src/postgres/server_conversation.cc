#include "postgres/server_conversation.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "postgres/cancel.h"
#include "postgres/messages.h"
#include "postgres/request_messages.h"
#include "postgres/route_snapshot.h"
#include "postgres/stand_in.h"

namespace tidegate::postgres {
namespace {

// CopyFail with an empty reason.
constexpr std::uint8_t kCopyFail[] = {'f', 0, 0, 0, 5, 0};

}  // namespace

ServerConversation::ServerConversation(session::ServerPort& port, const session::RouteRules& rules)
    : port_(&port),
      login_(std::make_unique<ServerLogin>(port)),
      state_(static_cast<std::size_t>(std::max(1, rules.server_statements_max))) {}

ServerConversation::~ServerConversation() = default;

void ServerConversation::start(const session::Turn& turn) {
  login_->start(turn);
}

void ServerConversation::secured(const session::TlsFacts& facts, const session::Turn& turn) {
  if (login_) login_->secured(facts, turn);
}

void ServerConversation::scram_keys(const session::ScramKeys& keys, const session::Turn& turn) {
  if (login_) login_->scram_keys(keys, turn);
}

void ServerConversation::from_server(Bytes bytes, const session::Turn& turn) {
  if (broken_) return;
  if (login_) return login_step(bytes, turn);
  serve(bytes, turn);
}

void ServerConversation::login_step(Bytes bytes, const session::Turn& turn) {
  const auto taken = login_->from_server(bytes, turn);
  if (login_->state() == ServerLogin::State::failed) broken_ = true;
  if (login_->state() != ServerLogin::State::done) return;
  login_finished();
  if (taken < bytes.size()) serve(bytes.subspan(taken), turn);
}

void ServerConversation::login_finished() {
  state_.reported = login_->reported();
  state_.defaults = settings_in(state_.reported);
  state_.facts = facts_in(state_.reported);
  state_.have = state_.defaults;
  process_id_ = login_->process_id();
  const auto key = login_->cancel_key();
  cancel_key_.assign(key.begin(), key.end());
  login_.reset();
  // It may say something new: it was upgraded or promoted, or a default was changed.
  renew_snapshot(*port_, [this](const RouteSnapshotRef& former) {
    if (former != nullptr && former->reported() == state_.reported) return former;
    return std::make_shared<const RouteSnapshot>(state_.reported);
  });
  port_->login_done();
}

// Facts such as is_superuser change with a role that a session takes, and change back with it:
// only what a server says that has nothing of anybody's is for everybody.
void ServerConversation::tell_news() {
  const bool clean = state_.at_rest() && !state_.dirty && !state_.listens && !state_.opaque &&
                     !state_.have->has_custom();
  if (!clean && !state_.promoted) return;
  if (clean) state_.news = false;
  state_.promoted = false;
  const auto* standby = state_.facts->find(kStandbyFact);
  const auto news = clean ? state_.facts
                          : Settings::make({{std::string(kStandbyFact),
                                             standby != nullptr ? *standby : std::string()}});
  renew_snapshot(*port_, [&](const RouteSnapshotRef& former) {
    if (former == nullptr) return former;
    const auto next = former->with_facts(*news);
    return next->reported() == former->reported() ? former : next;
  });
}

void ServerConversation::serve(Bytes bytes, const session::Turn& turn) {
  const auto broken = walk_.walk(bytes, client_, turn);
  if (broken) {
    broken_ = true;
    return port_->broken(broken->reason, broken->detail);
  }
  if (!state_.resend.empty()) {
    port_->to_server(state_.resend);
    state_.resend.clear();
  }
  if (state_.news) tell_news();
  if (client_ != nullptr) return client_->replies_walked(turn);
  if (errand_ != Errand::none) continue_errand();
}

void ServerConversation::link(LinkedClient& client) {
  client_ = &client;
  walk_.drop_rest();
}

void ServerConversation::unlink(bool mid_message) {
  client_ = nullptr;
  state_.pin_counts = nullptr;
  mid_message_ = mid_message;
}

void ServerConversation::verify(const session::Turn&) {
  sync(Errand::verifying);
}

bool ServerConversation::abandon(const session::Turn&) {
  client_ = nullptr;
  if (broken_ || login_ || mid_message_ || state_.doubtful || state_.lasting) return false;
  errand_ = Errand::draining;
  continue_errand();
  return true;
}

void ServerConversation::continue_errand() {
  if (errand_ == Errand::draining) finish_replies();
  if (!state_.owed.empty()) return;
  if (errand_ == Errand::verifying) {
    errand_ = Errand::none;
    return port_->verified();
  }
  if (state_.doubtful) {
    broken_ = true;
    return port_->broken(Reason::unclean, "a COPY failed while Syncs were on their way");
  }
  next_cleaning();
}

// What the client left open is ended in its place: a COPY by failing it, a pipeline by a Sync.
void ServerConversation::finish_replies() {
  if (state_.copying_in) {
    const bool extended = !state_.owed.empty() && state_.owed.front().reply == Reply::execute;
    port_->to_server(kCopyFail);
    state_.copying_in = false;
    state_.unsynced |= extended;
  }
  if (state_.unsynced && !state_.skipping) spoil();
  if (state_.unsynced || state_.skipping) sync(Errand::draining);
}

// PostgreSQL does not commit a pipeline whose Sync never came. A request that must fail comes
// before ours, so that ours does not commit it either.
void ServerConversation::spoil() {
  ByteBuffer message;
  message.reserve(32);
  write_describe_statement(message, kNoSuchStatement);
  state_.owed.push(Reply::describe, Action::skip);
  port_->to_server(message);
}

void ServerConversation::next_cleaning() {
  if (state_.status != 'I') return ask(Errand::rolling_back, "ROLLBACK");
  if (state_.dirty || state_.listens) return ask(Errand::discarding, "DISCARD ALL");
  errand_ = Errand::none;
  port_->cleaned();
}

void ServerConversation::ask(Errand errand, std::string_view sql) {
  if (errand_ == errand) {
    broken_ = true;
    return port_->broken(Reason::unclean, std::string(sql) + " failed");
  }
  errand_ = errand;
  state_.unnamed.reset();  // any simple query destroys it
  ByteBuffer query;
  write_query(query, sql);
  state_.owed.push(Reply::query, Action::skip);
  port_->to_server(query);
}

void ServerConversation::sync(Errand errand) {
  errand_ = errand;
  ByteBuffer message;
  write_sync(message);
  state_.owed.push(Reply::sync, Action::skip);
  take_back_stand_in(state_, message);
  state_.unsynced = false;
  state_.skipping = false;
  port_->to_server(message);
}

// Of what a lost client had sent ahead only the last may be cancelled: the rest would run without
// it, an INSERT without its BEGIN.
bool ServerConversation::cancellable() const {
  const auto& owed = state_.owed;
  return busy() && owed.front().action != Action::skip &&
         (client_ != nullptr || owed.readies() <= 1);
}

std::unique_ptr<session::SideConversation> ServerConversation::make_cancel() const {
  return std::make_unique<CancelConversation>(process_id_, cancel_key_);
}

void ServerConversation::terminate() {
  if (mid_message_) return;  // it would be taken for a part of the message
  ByteBuffer message;
  write_terminate(message);
  port_->to_server(message);
}

}  // namespace tidegate::postgres
