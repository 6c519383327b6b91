#include "postgres/client_conversation.h"

#include <utility>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

// It may never do so, or be somebody else; until then nothing is lost with it.
bool has_not_proven_who_it_is(ClientLogin::State state) {
  return state != ClientLogin::State::admitted && state != ClientLogin::State::finished;
}

}  // namespace

ClientConversation::ClientConversation(session::ClientPort& port, Workshop& workshop)
    : port_(port), workshop_(workshop), login_(std::make_unique<ClientLogin>(port)) {}

ClientConversation::~ClientConversation() = default;

std::size_t ClientConversation::from_client(Bytes bytes, const session::Turn& turn) {
  if (closed_) return bytes.size();
  std::size_t taken = 0;
  if (login_ && !probe_) {
    taken = login_->from_client(bytes, turn);
    login_stepped(turn);
  }
  bytes = bytes.subspan(taken);
  if (bytes.empty() || closed_) return taken + bytes.size();
  if (console_) return taken + console_->from_client(bytes);
  if (session_) return taken + session_->from_client(bytes, turn);
  return taken;
}

bool ClientConversation::wants_input() const {
  if (closed_ || probe_) return false;
  if (session_) return session_->wants_input();
  return console_ != nullptr || login_->wants_input();
}

void ClientConversation::secured(const session::TlsFacts& facts, const session::Turn& turn) {
  if (login_) login_->secured(facts, turn);
}

void ClientConversation::secret_found(const session::Secret& secret, const session::Turn& turn) {
  if (!login_) return;
  login_->secret_found(secret, turn);
  login_stepped(turn);
}

// --- The end of the login ---

void ClientConversation::login_stepped(const session::Turn&) {
  if (login_->state() == ClientLogin::State::finished) closed_ = true;
  if (login_->state() == ClientLogin::State::admitted) admitted();
}

void ClientConversation::admitted() {
  if (login_->destination().virtual_database != nullptr) return open_console();
  const auto snapshot = snapshot_of(port_);
  const bool doubtful = snapshot != nullptr && snapshot->of_standby() && port_.may_be_outdated();
  if (snapshot == nullptr || doubtful || !begin_session(snapshot)) begin_probe(doubtful);
}

void ClientConversation::begin_probe(bool doubtful) {
  probe_ = std::make_unique<LoginProbe>(*this, login_->startup().parameters, doubtful);
  port_.want_server(HoldKind::login, 0);
}

void ClientConversation::probe_spoilt() {
  const auto probe = std::move(probe_);
  probe->unlink();
  port_.drop_server(Reason::settings_replay_failed);
  begin_probe(false);
}

void ClientConversation::probe_finished(const session::Turn&) {
  const auto probe = std::move(probe_);
  probe->unlink();
  port_.release_server();
  if (const auto& refusal = probe->refusal()) {
    ByteBuffer error;
    write_error(
        error,
        ErrorText{.severity = "FATAL", .sqlstate = refusal->sqlstate, .message = refusal->message});
    port_.to_client(error);
    closed_ = true;
    return port_.close_client(Reason::startup_parameter_refused, session::Farewell::flush);
  }
  if (!probe->answered()) return fail(Reason::startup_parameter_refused, "no answer");
  const auto snapshot = renew_snapshot(
      port_, [&](const RouteSnapshotRef& former) { return probe->answer_in(former); });
  // If not, the defaults have changed since it was asked.
  if (!begin_session(snapshot)) begin_probe(false);
}

// AuthenticationOk has been sent; what a server would say next (PostgreSQL manual, 55.2.1).
// False when the snapshot does not know what to tell.
bool ClientConversation::begin_session(const RouteSnapshotRef& snapshot) {
  const auto* found =
      workshop_.welcomes.find(snapshot, login_->startup().parameters, workshop_.settings);
  if (found == nullptr) return false;
  const auto& welcome = *found;
  port_.to_client(welcome.reports);
  ByteBuffer out;
  write_backend_key_data(out, port_.cancel_pid(), port_.cancel_key());
  write_ready_for_query(out, 'I');
  port_.to_client(out);
  const auto destination = login_->destination();
  login_.reset();
  session_ = std::make_unique<Session>(port_, workshop_, destination, welcome);
  const auto* name = welcome.settings->find("application_name");
  port_.login_done(name != nullptr ? std::string_view(*name) : std::string_view());
  return true;
}

void ClientConversation::open_console() {
  console_ = std::make_unique<ConsoleConversation>(port_, *login_->destination().virtual_database,
                                                   login_->startup());
  login_.reset();
  console_->welcome();
}

// --- Servers ---

void ClientConversation::linked(session::ServerConversation& server, const session::Turn& turn) {
  auto& given = static_cast<ServerConversation&>(server);
  if (session_) return session_->linked(given, turn);
  if (!probe_) return port_.release_server();
  probe_->linked(given, snapshot_of(port_));
  if (probe_->finished()) probe_finished(turn);
}

void ClientConversation::refused(const session::Failure& why, const session::Turn& turn) {
  if (session_) return session_->refused(why, turn);
  fail(why);
}

void ClientConversation::server_lost(Reason reason, std::string_view detail,
                                     const session::Turn& turn) {
  if (session_) return session_->server_lost(reason, detail, turn);
  if (probe_) probe_->server_lost();
  if (probe_ && probe_->asks_for_nothing()) return begin_probe(false);
  fail(reason, detail);
}

// --- Ends ---

void ClientConversation::client_finished(const session::Turn& turn) {
  if (session_) return session_->client_finished(turn);
  if (console_ && console_->busy()) return console_->client_finished();
  if (std::exchange(closed_, true)) return;
  probe_.reset();
  port_.close_client(Reason::client_gone, session::Farewell::now);
}

void ClientConversation::client_lost(const session::Turn&) {
  closed_ = true;
  probe_.reset();
  if (session_) session_->client_lost();
  if (console_) console_->client_lost();
}

void ClientConversation::dismiss(Reason reason, const session::Turn&) {
  if (session_) return session_->dismiss(reason);
  if (login_ && !probe_ && !closed_) {
    closed_ = true;
    return login_->dismiss(reason);
  }
  fail(reason, {});
}

void ClientConversation::fail(Reason reason, std::string_view detail) {
  fail({.reason = reason, .detail = std::string(detail)});
}

void ClientConversation::fail(const session::Failure& why) {
  if (std::exchange(closed_, true)) return;
  probe_.reset();
  ByteBuffer error;
  write_error(error, why, "FATAL");
  port_.to_client(error);
  port_.close_client(why.reason, session::Farewell::flush);
}

bool ClientConversation::at_rest() const {
  if (session_) return session_->at_rest();
  if (login_ && !closed_) return has_not_proven_who_it_is(login_->state());
  return console_ != nullptr && !console_->busy();
}

int ClientConversation::prepared_statements() const {
  return session_ ? session_->prepared_statements() : 0;
}

}  // namespace tidegate::postgres
