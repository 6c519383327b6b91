#include "proxy/client.h"

#include <utility>

#include "base/planted.h"
#include "base/wipe.h"
#include "postgres/conversations.h"
#include "proxy/hub.h"
#include "proxy/pool_gate.h"
#include "proxy/server.h"
#include "proxy/worker.h"

namespace tidegate::proxy {
namespace {

constexpr std::uint8_t kTlsHandshake = 0x16;  // the first byte of a TLS ClientHello record

// Of a name that nobody has proven: enough to be recognised, and no way to fill the log.
std::string_view clipped(std::string_view name) {
  constexpr std::size_t kNameShownMax = 128;
  return name.substr(0, kNameShownMax);
}

bool is_virtual(std::string_view database) {
  return database == "pgbouncer" || database == "tidegate";
}

}  // namespace

Client::Client(Worker& worker) : worker_(worker) {}

Client::~Client() {
  worker_.reactor().disarm(login_timer_);
  worker_.reactor().close(stream_, net::CloseMode::now);
}

void Client::begin(ClientId id, net::ParcelPtr parcel, const net::Address& peer, Ticket ticket) {
  auto& reactor = worker_.reactor();
  id_ = id;
  in_process_ = std::move(ticket);
  connected_at_ = reactor.now();
  cancel_key_ = static_cast<std::uint32_t>(reactor.entropy().u64());
  conversation_ = postgres::make_client_conversation(*this, worker_.workshop());
  stream_ = reactor.adopt(std::move(parcel), this);
  address_ = peer.text();
  over_unix_socket_ = peer.is_unix();
  login_timer_ =
      reactor.arm(connected_at_ + worker_.process().config().client_login_timeout, this, 0);
  worker_.newcomer_arrived(*this);
}

pool::WaiterId Client::waiter() const {
  return waiter_of({worker_.index(), id_});
}
Log& Client::log() {
  return worker_.log();
}

// --- Bytes ---

void Client::bytes_arrived(net::StreamId, Bytes bytes) {
  if (state_ == State::arriving) {
    state_ = State::login;
    if (begins_with_tls(bytes)) return;
  }
  if (route_ != nullptr) {
    route_->traffic(worker_.index()).bytes_from_clients += bytes.size();
  }
  offer(bytes);
}

bool Client::begins_with_tls(Bytes first) {
  if (first[0] != kTlsHandshake || !tls_offered()) return false;
  worker_.reactor().start_tls_server(stream_, worker_.process().client_tls(), first);
  return true;
}

void Client::offer(Bytes bytes) {
  if (held_.empty() && conversation_->wants_input()) {
    bytes = bytes.subspan(conversation_->from_client(bytes, worker_.turn()));
  }
  if (state_ == State::ending) return;
  held_.append(worker_.reactor().blocks(), bytes);
  set_reading();
  if (worker_.process().leaving()) dismiss_soon();
}

void Client::feed() {
  while (!held_.empty() && state_ != State::ending && conversation_->wants_input() &&
         !(server_ != nullptr && server_->output_full())) {
    const auto taken = conversation_->from_client(held_.front(), worker_.turn());
    held_.consume(taken);
    if (taken == 0) break;
  }
  if (state_ == State::ending) return;
  set_reading();
  if (worker_.process().leaving()) dismiss_soon();
}

// Reads while there is nowhere else to be: nothing held back, the server takes more, and so does
// the client, for much is answered without a server.
void Client::set_reading() {
  const bool wanted =
      held_.empty() && !output_full_ && !(server_ != nullptr && server_->output_full());
  if (wanted == reading_) return;
  reading_ = wanted;
  if (wanted) {
    worker_.reactor().resume_reading(stream_);
  } else {
    worker_.reactor().pause_reading(stream_);
  }
}

void Client::to_client(Bytes bytes) {
  if (planted(Planted::reply_to_wrong_client) && state_ == State::linked) {
    const auto* other = worker_.clients().find_slot(id_.slot ^ 1);
    if (other != nullptr) return void(worker_.reactor().write(other->stream_, bytes));
  }
  if (!worker_.reactor().write(stream_, bytes)) output_full_ = true;
}

void Client::output_drained(net::StreamId) {
  output_full_ = false;
  if (listens_) conversation_->client_drained(worker_.turn());
  set_reading();
  if (server_ != nullptr) server_->set_reading();
}

void Client::peer_finished(net::StreamId) {
  if (planted(Planted::half_close_drops_query)) {
    return stream_closed(stream_, net::CloseReason::peer_finished, {});
  }
  finished_ = true;
  conversation_->client_finished(worker_.turn());
}

// --- Login ---

bool Client::tls_offered() const {
  return worker_.process().client_tls() != nullptr;
}
bool Client::tls_required() const {
  return !over_unix_socket_ && worker_.process().config().client_ssl_mode >= net::SslMode::require;
}
bool Client::cleartext_password_allowed() const {
  return secured_ || over_unix_socket_ || worker_.process().config().cleartext_over_plain;
}

void Client::start_tls() {
  worker_.reactor().start_tls_server(stream_, worker_.process().client_tls(), {});
}

void Client::stream_secured(net::StreamId, const net::TlsInfo& tls) {
  secured_ = true;
  conversation_->secured({.version = tls.version,
                          .sni = tls.sni,
                          .alpn = tls.alpn,
                          .peer_common_name = tls.peer_common_name,
                          .channel_binding = tls.channel_binding},
                         worker_.turn());
}

void Client::introduced(std::string_view user, std::string_view database) {
  user_ = user;
  database_ = database;
}

void Client::need_secret(std::string_view user, std::string_view) {
  secret_asked_ = true;
  auto& secrets = worker_.process().secrets();
  const std::string name(user);
  if (auto known = secrets.find(name)) {
    return worker_.later([worker = &worker_, id = id_, secret = std::move(*known)] {
      if (auto* client = worker->find(id)) client->secret_found(secret);
    });
  }
  if (secrets.claim_derivation(name)) worker_.derive_secret(name);
}

void Client::secret_found(const session::Secret& secret) {
  if (!std::exchange(secret_asked_, false) || state_ == State::ending) return;
  if (secret.damaged) {
    log().write(LogLevel::warning, "stored secret cannot be used",
                {{"detail", "the SCRAM key is damaged: see `tidegate check`"},
                 {"user", clipped(user_)},
                 {"database", clipped(database_)},
                 {"address", address_}});
  }
  // For the console there is a place beyond the limit, once a user of it has proven who it is.
  if (clients_full() && !is_virtual(database_)) return dismiss(Reason::clients_full);
  conversation_->secret_found(secret, worker_.turn());
  feed();
}

bool Client::clients_full() const {
  const int clients_max = worker_.process().config().clients_max;
  return clients_max > 0 && worker_.process().inside().count() >= clients_max;
}

bool Client::give_way() {
  const bool silent = state_ == State::arriving || state_ == State::login;
  if (!silent || secret_asked_) return false;
  dismiss(Reason::clients_full);
  in_process_.drop();
  return true;
}

session::Destination Client::admit(std::string_view user, std::string_view database) {
  user_ = user;
  database_ = database;
  worker_.newcomer_known(*this);
  auto& process = worker_.process();
  inside_ = Ticket::take(process.inside(), process.config().clients_max);
  if (is_virtual(database)) return admit_to_console(user_);
  if (!inside_) return {.refusal = Reason::clients_full};
  auto password = process.secrets().password(user_);
  auto route = process.routes().find(database_, user_, password);
  wipe(password);
  if (!route) return {.refusal = route.error(), .refusal_detail = "\"" + database_ + "\""};
  if (auto* place = process.secrets().place(user_)) {
    in_user_ = Ticket::take(place->clients, place->clients_max);
    if (!in_user_) {
      return {.refusal = Reason::user_clients_full, .refusal_detail = "user \"" + user_ + "\""};
    }
  }
  in_database_ = Ticket::take((*route)->database_clients(), (*route)->spec().clients_max);
  if (!in_database_) {
    return {.refusal = Reason::database_clients_full, .refusal_detail = "\"" + database_ + "\""};
  }
  route_ = std::move(*route);
  in_route_ = Ticket::take(route_->clients(), 0);
  return {.rules = &route_->spec().rules,
          .traffic = &route_->traffic(worker_.index()),
          .schema = &route_->upstream().schema()};
}

session::Destination Client::admit_to_console(const std::string& user) {
  if (worker_.console() == nullptr)
    return {.refusal = Reason::unknown_database, .refusal_detail = "no console here"};
  if (!worker_.process().may_look(user))
    return {.refusal = Reason::not_admin, .refusal_detail = "user \"" + user + "\""};
  if (!inside_) inside_ = Ticket::take(worker_.process().consoles_beyond(), kConsolesBeyondMax);
  if (!inside_) return {.refusal = Reason::clients_full, .refusal_detail = "the console too"};
  return {.virtual_database = worker_.console()};
}

void Client::login_done(std::string_view application_name) {
  worker_.reactor().disarm(login_timer_);
  login_timer_ = {};
  logged_in_ = true;
  application_name_ = application_name;
  if (state_ == State::login) state_ = State::idle;
  if (route_ != nullptr) ++route_->traffic(worker_.index()).logins;
  if (worker_.process().config().log_connections) {
    log().write(LogLevel::info, "client logged in",
                {{"user", user_},
                 {"database", database_},
                 {"application", application_name_},
                 {"address", address_},
                 {"tls", secured_}});
  }
}

void Client::application_name_changed(std::string_view name) {
  application_name_ = name;
}

void Client::timer_fired(net::TimerId, std::uint64_t) {
  login_timer_ = {};
  dismiss(Reason::login_timeout);
}

// --- Cancel ---

std::uint32_t Client::cancel_pid() {
  return cancel_pid_of({worker_.index(), id_});
}

// The peer takes the end of the connection as the sign that the cancel was delivered, as it may
// with PostgreSQL: what it sends next is not to be hit.
void Client::cancel_requested(std::uint32_t pid, Bytes key) {
  cancelling_ = true;
  worker_.cancel(pid, key, address_, [worker = &worker_, id = id_] {
    worker->post([worker, id] {
      if (auto* client = worker->find(id)) client->cancel_over();
    });
  });
}

void Client::cancel_over() {
  cancelling_ = false;
  if (state_ != State::ending) return;
  worker_.reactor().close(stream_, net::CloseMode::flush);
  worker_.bury(id_);
}

bool Client::owns_key(Bytes key) const {
  std::uint8_t own[4];
  store_be32(own, cancel_key_);
  std::uint8_t difference = key.size() == sizeof own ? 0 : 1;
  for (std::size_t i = 0; i < sizeof own && i < key.size(); ++i) difference |= own[i] ^ key[i];
  return difference == 0;
}

bool Client::can_be_cancelled() const {
  return state_ == State::waiting || (state_ == State::linked && server_->conversation().busy());
}

void Client::cancel(net::Task done) {
  if (state_ == State::linked && server_->conversation().busy()) {
    return worker_.start_cancel(*server_, std::move(done));
  }
  if (state_ == State::waiting) {
    worker_.gate(route_->upstream()).client_gone(waiter());
    refuse(Reason::cancelled);
  }
  done();
}

// --- The pool ---

void Client::want_server(HoldKind kind, FitTag fit) {
  state_ = State::waiting;
  ++wait_number_;
  wait_since_ = worker_.reactor().now();
  wanted_kind_ = kind;
  wanted_fit_ = fit;
  ask_pool(false);
}

void Client::want_again(std::uint32_t wait) {
  if (waits(wait)) ask_pool(true);
}

void Client::ask_pool(bool again) {
  worker_.gate(route_->upstream())
      .client_wants({.route = route_->id(),
                     .waiter = waiter(),
                     .number = wait_number_,
                     .worker = worker_.index(),
                     .fit = wanted_fit_,
                     .kind = wanted_kind_,
                     .again = again,
                     .since = wait_since_});
}

void Client::link(Server& server) {
  state_ = State::linked;
  server_ = &server;
  auto& traffic = route_->traffic(worker_.index());
  ++traffic.assignments;
  const auto waited = worker_.reactor().now() - wait_since_;
  traffic.wait_us += static_cast<std::uint64_t>(waited.count() / 1000);
  conversation_->linked(server.conversation(), worker_.turn());
  feed();
}

void Client::refuse(Reason reason) {
  if (state_ != State::waiting) return;
  state_ = State::idle;
  conversation_->refused(route_->explain(reason), worker_.turn());
  feed();
}

void Client::release_server() {
  auto* server = std::exchange(server_, nullptr);
  if (state_ == State::linked) state_ = State::idle;
  server->release();
}

// While the process leaves, after each step: whatever brought the client to rest (its transaction
// is over, a refusal, an answer that took no server), nobody else would come back to it.
void Client::dismiss_soon() {
  worker_.later([worker = &worker_, id = id_] {
    if (auto* client = worker->find(id)) client->dismiss_at_rest(Reason::shutting_down);
  });
}

void Client::drop_server(Reason reason) {
  auto* server = std::exchange(server_, nullptr);
  if (state_ == State::linked) state_ = State::idle;
  server->drop(reason);
}

bool Client::hold_changed(HoldKind kind, std::string_view why) {
  if (!worker_.gate(route_->upstream()).hold_changed(server_->id(), kind)) return false;
  server_->set_pin(kind == HoldKind::pin ? why : std::string_view{});
  return true;
}

session::SnapshotRef Client::snapshot() {
  return route_->snapshot();
}
bool Client::replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) {
  return route_->replace_snapshot(former, std::move(next));
}
bool Client::may_be_outdated() {
  return route_->may_be_outdated(worker_.reactor().now());
}

void Client::server_lost(Reason reason, const std::string& detail) {
  server_ = nullptr;
  if (state_ == State::linked) state_ = State::idle;
  conversation_->server_lost(reason, detail, worker_.turn());
  feed();
}

// --- Notifications ---

// A budget of one server leaves none for anybody else.
bool Client::can_listen() const {
  return route_->upstream().spec().limits.budget > 1;
}

void Client::listen(std::uint32_t request, std::vector<std::string> channels) {
  listens_ = true;
  route_->hub().listen(worker_, route_, {{worker_.index(), id_}, request, std::move(channels)});
}

void Client::unlisten(std::vector<std::string> channels) {
  route_->hub().unlisten({{worker_.index(), id_}, 0, std::move(channels)});
}

bool Client::is_listened_to() const {
  return route_->hub().is_listened_to();
}
void Client::want_barrier() {
  route_->hub().want_barrier(worker_, {worker_.index(), id_});
}
void Client::sends_by(std::uint32_t process_id) {
  route_->hub().sends_by(process_id, cancel_pid());
}
void Client::sent_all(std::uint32_t process_id) {
  route_->hub().sent_all(process_id);
}

void Client::hearing(const session::Hearing& answer) {
  if (state_ == State::ending) return;
  conversation_->hearing(answer, worker_.turn());
  feed();
}

void Client::notified(const session::NotificationRef& notification) {
  if (state_ != State::ending) conversation_->notified(notification, worker_.turn());
}

void Client::notifications_missed() {
  if (state_ != State::ending) conversation_->notifications_missed(worker_.turn());
}

void Client::barrier_passed() {
  if (state_ == State::ending) return;
  conversation_->barrier_passed(worker_.turn());
  feed();
}

// --- Ends ---

void Client::dismiss(Reason reason) {
  if (state_ != State::ending) conversation_->dismiss(reason, worker_.turn());
}

bool Client::dismiss_at_rest(Reason reason) {
  if (!at_rest()) return false;
  dismiss(reason);
  return true;
}

void Client::close_client(Reason reason, session::Farewell how) {
  if (state_ == State::ending) return;
  leave_server(false);
  const auto mode = how == session::Farewell::flush ? net::CloseMode::flush : net::CloseMode::now;
  if (!cancelling_) worker_.reactor().close(stream_, mode);
  end(reason);
}

// What became of a handshake is heard by nobody else: the client may know no more than that it
// ended.
Reason Client::why_lost(net::CloseReason reason) const {
  const bool tls =
      reason == net::CloseReason::tls_failed || reason == net::CloseReason::tls_rejected;
  if (tls && !secured_) return Reason::tls_failed;
  return reason == net::CloseReason::reset ? Reason::client_reset : Reason::client_gone;
}

void Client::stream_closed(net::StreamId, net::CloseReason reason, const std::string& detail) {
  if (state_ == State::ending) return;
  conversation_->client_lost(worker_.turn());
  if (state_ == State::ending) return;
  leave_server(!finished_ && !conversation_->said_goodbye());
  end(why_lost(reason), detail);
}

void Client::leave_server(bool cancel) {
  if (state_ == State::waiting) worker_.gate(route_->upstream()).client_gone(waiter());
  auto* server = std::exchange(server_, nullptr);
  if (server == nullptr) return;
  if (cancel && server->conversation().busy()) worker_.start_cancel(*server, [] {});
  server->abandon();
}

// A client that did not get in is an event whether or not coming and going is.
void Client::log_end(Reason reason, std::string_view detail) {
  if (cancelling_) return;             // said where its target is
  if (reason == Reason::tls_failed) {  // nobody is known yet
    return log().write(LogLevel::info, "client refused",
                       {{"reason", name(reason)}, {"detail", detail}, {"address", address_}});
  }
  const bool left = reason == Reason::client_gone || reason == Reason::client_reset;
  const bool refused = !logged_in_ && !left;
  if (!refused && !worker_.process().config().log_connections) return;
  log().write(LogLevel::info, refused ? "client refused" : "client left",
              {{"reason", name(reason)},
               {"user", clipped(user_)},
               {"database", clipped(database_)},
               {"address", address_}});
}

void Client::end(Reason reason, std::string_view detail) {
  state_ = State::ending;  // what is held may be under the conversation's eyes, and goes with us
  worker_.newcomer_known(*this);
  if (listens_) route_->hub().leave({worker_.index(), id_});
  log_end(reason, detail);
  if (!cancelling_) worker_.bury(id_);
}

}  // namespace tidegate::proxy
