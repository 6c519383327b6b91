// What a session does about notifications: see channels.h.
#include <utility>

#include "postgres/messages.h"
#include "postgres/replan.h"
#include "postgres/session.h"

namespace tidegate::postgres {

using sql::Effect;

// --- Before a text is sent ---

// False: it has to wait until the listener has what the text will listen to.
bool Session::hears(const sql::Effects& effects) {
  if (effects.has(Effect::notify)) notify();
  if (!may_change_channels(effects)) return true;
  if (channels_ == nullptr && !begin_channels(effects)) return true;
  if (channels_->on_own_server()) return true;
  auto missing = channels_->missing(effects);
  if (channels_->heard().size() + missing.size() > Channels::kChannelsMax) channels_->deny();
  if (!missing.empty() && !channels_->denied()) {
    awaits_listener_ = true;
    const auto request = channels_->ask_listener(missing);
    port_.listen(request, std::move(missing));
    return false;
  }
  channels_->change();
  server_->state().listens = true;
  return true;
}

// The tail of a long text has passed: there is no place for waiting any more.
void Session::hears_late(const sql::Effects& effects) {
  if (effects.has(Effect::notify)) notify();
  if (!may_change_channels(effects)) return;
  if (channels_ == nullptr && !begin_channels(effects)) return;
  if (channels_->on_own_server()) return;
  channels_->change();
  server_->state().listens = true;
}

// Where nothing is listened to, only these can begin it.
bool Session::begin_channels(const sql::Effects& effects) {
  const bool may_begin =
      effects.has(Effect::listen) || effects.has(Effect::opaque) || effects.has(Effect::unreadable);
  if (!may_begin || rules_.mode == PoolMode::session || !port_.can_listen()) return false;
  channels_ = std::make_unique<Channels>();
  return true;
}

void Session::hearing(const session::Hearing& answer, const session::Turn& turn) {
  if (channels_ == nullptr || !channels_->answered_by_listener(answer)) return;
  if (letters_differ()) channels_->deny();
  if (!std::exchange(awaits_listener_, false)) return;
  resume(turn);
  if (server_ != nullptr) let_go();
  finish_if_done();
}

// Whoever notifies is told that it is done when those who listen have been.
void Session::notify() {
  if (rules_.mode == PoolMode::session || server_ == nullptr) return;
  notifies_ = true;
  if (port_.is_listened_to()) send_by_server();
}

void Session::send_by_server() {
  if (!std::exchange(sends_by_server_, true)) port_.sends_by(server_->process_id());
}

bool Session::letters_differ() const {
  const auto* encoding = settings_->find("client_encoding");
  return encoding != nullptr && !channels_->encoding().empty() &&
         !same_letters(channels_->encoding(), *encoding);
}

// --- On a server ---

void Session::put_channels() {
  if (!channels_->lack()) return;
  auto& state = server_->state();
  ByteBuffer query;
  write_query(query, channels_->sql());
  state.owed.push(Reply::query, Action::skip);
  state.unnamed.reset();
  state.listens = true;
  channels_->put();
  send_by_server();
  server_->send(query);
}

bool Session::must_ask_channels() const {
  const auto& state = server_->state();
  if (channels_->on_own_server() || !state.at_rest() || settling_) return false;
  if (streaming_ != Streaming::none) return false;
  const bool stays = pinned_ || pinned_by_unnamed_;
  return channels_->changed() || (state.listens && !stays);
}

// It must forget them before another session gets it.
void Session::ask_channels() {
  if (letters_differ() && !channels_->heard().empty()) return keep_channels_here();
  auto& state = server_->state();
  const bool stays = pinned_ || pinned_by_unnamed_;
  ByteBuffer query;
  write_query(query, Channels::question(!stays));
  asks_channels_ = true;
  channels_->begin_answer(!stays);
  state.owed.push(Reply::query, Action::skip).inquires = true;
  state.unnamed.reset();
  drop_segment(state);
  server_->send(query);
}

void Session::channels_answered() {
  asks_channels_ = false;
  if (channels_->failed()) return;
  if (channels_->forgotten()) server_->state().listens = false;
  const auto [lost, late] = channels_->answered();
  if (!lost.empty()) port_.unlisten(lost);
  if (!late.empty()) port_.listen(channels_->ask_late(), late);
  if (channels_->over()) channels_.reset();
}

// The session keeps its server, which listens for it from here on. Where that was not asked for by
// a LISTEN, there is no statement that could be refused.
void Session::keep_channels_here() {
  const auto reason = pin({"listen", true});
  if (reason != Reason::none) return drop_and_fail(reason, {});
  listen_on_server();
}

void Session::listen_on_server() {
  port_.unlisten(channels_->move_to_own_server());
}

// --- Notifications ---

bool Session::server_notified(Bytes body) {
  if (rules_.mode == PoolMode::session) return true;
  ByteReader reader(body);
  const bool own = reader.be32() == server_->process_id();
  const auto channel = reader.cstring();
  if (channels_ != nullptr && channels_->on_own_server()) return true;
  if (own && channels_ != nullptr) notifies_ = true;
  return pinned_ && (channels_ == nullptr || !channels_->may_hear(channel));
}

void Session::notified(const session::NotificationRef& notification) {
  if (channels_ == nullptr || closed_) return;
  channels_->keep(notification);
  tell_notifications();
  if (channels_->bytes_kept() <= rules_.notification_bytes_max) return;
  if (server_ == nullptr) return fail(Reason::notifications_full, {});
  drop_and_fail(Reason::notifications_full, {});
}

void Session::notifications_missed() {
  if (channels_ == nullptr || closed_) return;
  channels_->miss();
  tell_notifications();
}

// PostgreSQL tells them to whoever asks nothing and is in no transaction.
bool Session::is_quiet() const {
  if (closed_ || holding_ready_ || discarding_ || refusal_ != Reason::none) return false;
  if (server_ == nullptr) return true;
  return server_->state().at_rest() && streaming_ == Streaming::none && !settling_;
}

void Session::tell_notifications() {
  if (channels_ == nullptr || !channels_->has_news()) return;
  if (!is_quiet() || port_.client_full()) return;
  ByteBuffer out;
  channels_->tell(out);
  if (!out.empty()) port_.to_client(out);
}

// --- The ReadyForQuery of a commit that notifies ---

bool Session::holds_ready(char status) {
  if (!notifies_ || status != 'I') return false;
  notifies_ = false;
  holding_ready_ = server_->state().owed.empty() && port_.is_listened_to();
  if (holding_ready_) port_.want_barrier();
  return holding_ready_;
}

void Session::barrier_passed(const session::Turn& turn) {
  if (!holding_ready_ || closed_) return;
  barrier_passed_ = true;
  stop_holding(turn);
}

// The session's channels are known by then, too: it may have begun to listen in this transaction.
void Session::stop_holding(const session::Turn& turn) {
  if (!holding_ready_ || !barrier_passed_) return;
  if (server_ != nullptr && !server_->state().owed.empty()) return;
  holding_ready_ = barrier_passed_ = false;
  ByteBuffer out;
  if (channels_ != nullptr) channels_->tell(out);
  write_ready_for_query(out, 'I');
  port_.to_client(out);
  if (server_ != nullptr) let_go();
  resume(turn);
  finish_if_done();
}

}  // namespace tidegate::postgres
