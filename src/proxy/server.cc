#include "proxy/server.h"

#include <utility>

#include "base/planted.h"
#include "postgres/conversations.h"
#include "proxy/cancel_errand.h"
#include "proxy/client.h"
#include "proxy/holder.h"
#include "proxy/pool_gate.h"
#include "proxy/worker.h"

namespace tidegate::proxy {
namespace {

// There was no connection: for want of a descriptor, too.
Reason why_unreached(net::CloseReason reason) {
  return reason == net::CloseReason::connect_timeout ? Reason::connect_timeout
                                                     : Reason::connect_failed;
}

// In a login no statement was on its way. Later, however the connection ends, one may have taken
// effect.
Reason why_lost(net::CloseReason reason, bool in_login) {
  if (!in_login) return Reason::server_lost;
  switch (reason) {
    case net::CloseReason::connect_timeout:
      return Reason::connect_timeout;
    case net::CloseReason::tls_failed:
    case net::CloseReason::tls_rejected:
      return Reason::server_tls_failed;
    default:
      return Reason::server_login_failed;
  }
}

// The database said itself that it ends the connection.
bool is_farewell(Reason reason) {
  return reason == Reason::server_lost || reason == Reason::server_shutdown ||
         reason == Reason::server_login_failed;
}

net::ConnectOptions connect_options(const config::Config& config) {
  return {.keepalive = config.tcp_keepalive,
          .keepalive_idle_s = config.tcp_keepalive_idle_s,
          .keepalive_interval_s = config.tcp_keepalive_interval_s,
          .keepalive_count = config.tcp_keepalive_count,
          .user_timeout = config.tcp_user_timeout};
}

}  // namespace

Server::Server(Worker& worker, std::shared_ptr<Route> route, pool::ServerId id)
    : worker_(&worker),
      route_(std::move(route)),
      id_(id),
      opened_at_(worker.reactor().now()),
      assigned_at_(opened_at_) {}

Server::~Server() {
  if (worker_ == nullptr) return;  // on its way to another worker: the parcel holds the connection
  stop_timer();
  worker_->reactor().close(stream_, net::CloseMode::now);
}

PoolGate& Server::gate() const {
  return worker_->gate(route_->upstream());
}
Log& Server::log() {
  return worker_->log();
}
bool Server::secured() const {
  return worker_->reactor().is_secured(stream_);
}

// --- Connecting: one host after the other, all addresses of each ---

void Server::open() {
  first_host_ =
      route_->refusing_hosts().first_for(route_->upstream().next_host(), worker_->reactor().now());
  try_next_host();
}

void Server::try_next_host() {
  const auto& hosts = route_->upstream().spec().hosts;
  if (hosts_tried_ == hosts.size()) {
    unreached_.setback = may_pass_ ? Setback::passing : Setback::of_upstream;
    return fail(unreached_);
  }
  target_ = hosts[(first_host_ + hosts_tried_++) % hosts.size()];
  share_time();
  // The answer may come when this server has given up, the host or all: it is looked up by its id.
  worker_->reactor().resolve(
      target_, [gate = &gate(), id = id_, host = hosts_tried_](net::Resolved resolved) {
        auto* server = gate->find(id);
        const bool awaited = server != nullptr && server->state_ == State::connecting;
        if (awaited && server->hosts_tried_ == host) server->try_addresses(std::move(resolved));
      });
}

Duration Server::time_left() const {
  return opened_at_ + route_->upstream().spec().connect_timeout - worker_->reactor().now();
}

// Whoever is tried has its fair part of the time that is left, so that one that does not answer
// leaves some to the others.
void Server::share_time() {
  const auto hosts_left = route_->upstream().spec().hosts.size() - hosts_tried_;
  set_timer(time_left() / static_cast<int>(1 + addresses_.size() + hosts_left));
}

void Server::no_answer() {
  unreachable({Reason::connect_timeout, "connect_timeout passed during connect"});
  if (time_left() <= Duration{0}) return fail(unreached_);
  worker_->reactor().close(stream_, net::CloseMode::now);
  try_next_address();
}

void Server::try_addresses(net::Resolved resolved) {
  if (resolved.addresses.empty()) {
    unreachable({Reason::dns_failed, resolved.error,
                 resolved.unknown_name ? Setback::of_upstream : Setback::passing});
    return try_next_host();
  }
  addresses_.assign(resolved.addresses.rbegin(), resolved.addresses.rend());
  try_next_address();
}

void Server::unreachable(session::Failure why) {
  may_pass_ |= why.setback == Setback::passing;
  unreached_ = std::move(why);
}

void Server::try_next_address() {
  if (addresses_.empty()) return try_next_host();
  address_ = addresses_.back();
  addresses_.pop_back();
  share_time();
  stream_ =
      worker_->reactor().connect(address_, connect_options(worker_->process().config()), this);
}

void Server::stream_connected(net::StreamId) {
  addresses_ = {};
  state_ = State::login;
  set_timer(time_left());
  conversation_ = postgres::make_server_conversation(*this, route_->spec().rules);
  conversation_->start(worker_->turn());
}

void Server::start_tls() {
  worker_->reactor().start_tls_client(stream_, route_->upstream().tls(), target_.host);
}

void Server::stream_secured(net::StreamId, const net::TlsInfo& tls) {
  if (state_ != State::login) return;  // given up meanwhile: no startup packet goes out any more
  conversation_->secured({.version = tls.version,
                          .sni = tls.sni,
                          .alpn = tls.alpn,
                          .peer_common_name = tls.peer_common_name,
                          .channel_binding = tls.channel_binding},
                         worker_->turn());
}

// --- Login ---

void Server::need_scram_keys(Bytes salt, std::uint32_t iterations) {
  auto& upstream = route_->upstream();
  const Upstream::KeyQuery query{rules().password, {salt.begin(), salt.end()}, iterations};
  auto answer = [gate = &gate(), worker = worker_, id = id_, query] {
    auto* server = gate->find(id);
    const auto keys = gate->upstream().find_keys(query);
    if (server == nullptr || server->state_ != State::login || !keys) return;
    server->conversation_->scram_keys(*keys, worker->turn());
  };
  if (upstream.find_keys(query)) return worker_->later(std::move(answer));
  worker_->reactor().offload(
      [&upstream, query] { upstream.keep_keys(query, derive_scram_keys(query)); },
      std::move(answer));
}

void Server::login_done() {
  stop_timer();
  state_ = State::idle;
  route_->upstream().no_host_wrong();
  route_->refusing_hosts().accepted(first_host_, hosts_tried_, worker_->reactor().now());
  gate().server_ready(id_, conversation_->fit());
}

void Server::login_failed(const session::Failure& why) {
  farewell_said_ = is_farewell(why.reason);
  refusal_ = std::make_unique<session::Failure>(why);
  // Called by the conversation in the middle of its step, so the end of it is awaited.
  worker_->later([gate = &gate(), id = id_] {
    auto* server = gate->find(id);
    if (server != nullptr && server->state_ == State::login) server->fail({});
  });
}

// An attempt failed, and others may try at once. A connection that is still open counts until the
// database has closed it.
void Server::fail(const session::Failure& otherwise) {
  auto why = refusal_ != nullptr ? *refusal_ : otherwise;
  const bool wrong_host = state_ != State::connecting && why.setback == Setback::of_upstream;
  if (!wrong_host) {
    route_->upstream().no_host_wrong();
  } else if (!route_->upstream().all_hosts_wrong(first_host_, hosts_tried_)) {
    why.setback = Setback::passing;
  }
  const bool all_refuse =
      route_->refusing_hosts().failed(first_host_, hosts_tried_, worker_->reactor().now());
  if (why.setback == Setback::of_route && !all_refuse) why.setback = Setback::passing_of_route;
  log_failure(why);
  route_->note_failure(why, worker_->reactor().now());
  gate().server_failed(id_, why.reason, why.setback);
  begin_close();
}

void Server::log_failure(const session::Failure& why) {
  log().write(LogLevel::warning, "server could not be opened",
              {{"reason", name(why.reason)},
               {"sqlstate", why.sqlstate.empty() ? info(why.reason).sqlstate : why.sqlstate},
               {"detail", why.detail},
               {"host", target_.host},
               {"port", target_.port},
               {"database", rules().database},
               {"user", rules().user}});
}

// --- Held by a client ---

void Server::assign(Holder& holder, bool verify) {
  ++link_number_;
  assigned_at_ = worker_->reactor().now();
  if (!verify) return link(holder);
  state_ = State::verifying;
  verified_for_ = holder.waiter();
  verified_wait_ = holder.wait_number();
  set_timer(route_->spec().limits.ping_timeout);
  conversation_->verify(worker_->turn());
}

void Server::link(Holder& holder) {
  state_ = State::linked;
  holder_ = &holder;
  holder.link(*this);
}

const Client* Server::client() const {
  return holder_ == nullptr ? nullptr : holder_->as_client();
}

void Server::verified() {
  worker_->later([gate = &gate(), id = id_, link = link_number_] {
    auto* server = gate->find(id);
    const bool of_this_link = server != nullptr && server->link_number_ == link;
    if (!of_this_link || server->state_ != State::verifying || server->broken_) return;
    server->stop_timer();
    auto* holder = server->waiting_holder();
    if (holder == nullptr) return server->back_to_pool();
    server->link(*holder);
  });
}

// Whom a verified server is meant for; null when that one has left.
Holder* Server::waiting_holder() const {
  auto* holder = worker_->find_holder(verified_for_);
  return holder != nullptr && holder->waits(verified_wait_) ? holder : nullptr;
}

void Server::release() {
  holder_ = nullptr;
  back_to_pool();
}

void Server::back_to_pool() {
  stop_timer();
  set_reading();
  pin_.clear();
  if (!errands_.empty()) {
    state_ = State::cancelling;
    set_timer(route_->upstream().spec().cancel_timeout);
    return;
  }
  if (cancel_in_doubt_) return close(Reason::unclean);
  state_ = State::idle;
  gate().server_released(id_, conversation_->fit());
}

void Server::errand_begins(CancelErrand& errand) {
  if (!planted(Planted::cancel_one_query_late)) errands_.push_back(&errand);
}

void Server::errand_ended(CancelErrand& errand, bool in_doubt) {
  std::erase(errands_, &errand);
  if (in_doubt) cancel_in_doubt_ = true;
  if (errands_.empty() && state_ == State::cancelling) back_to_pool();
}

void Server::abandon() {
  holder_ = nullptr;
  if (planted(Planted::server_leak_on_reset)) return;
  state_ = State::cleaning;
  set_timer(route_->upstream().spec().cancel_timeout);
  set_reading();
  if (!conversation_->abandon(worker_->turn())) close(Reason::unclean);
}

void Server::cleaned() {
  worker_->later([gate = &gate(), id = id_] {
    auto* server = gate->find(id);
    if (server != nullptr && server->state_ == State::cleaning) server->back_to_pool();
  });
}

// --- Bytes ---

void Server::to_server(Bytes bytes) {
  if (!worker_->reactor().write(stream_, bytes)) output_full_ = true;
}

void Server::bytes_arrived(net::StreamId, Bytes bytes) {
  if (state_ == State::closing) return;
  route_->traffic(worker_->index()).bytes_from_servers += bytes.size();
  auto* holder = holder_;
  conversation_->from_server(bytes, worker_->turn());
  set_reading();
  // A reply may be what the client's next message waited for. It lives until the turn is settled,
  // also when the reply ended its link.
  if (holder != nullptr) holder->feed();
  // Only now: what the client waited to send may be just what is to be cancelled.
  for (auto* errand : std::vector(errands_)) errand->replies_came();
}

void Server::output_drained(net::StreamId) {
  output_full_ = false;
  if (holder_ != nullptr && state_ == State::linked) holder_->feed();
}

void Server::set_reading() {
  const bool wanted = holder_ == nullptr || !holder_->output_full();
  if (wanted == reading_) return;
  reading_ = wanted;
  if (wanted) {
    worker_->reactor().resume_reading(stream_);
  } else {
    worker_->reactor().pause_reading(stream_);
  }
}

// --- Ends ---

void Server::peer_finished(net::StreamId) {
  database_closed(why_lost(net::CloseReason::peer_finished, state_ == State::login),
                  "the database closed the connection");
}

// A connection that breaks off says nothing about the database's end of it: somebody in between may
// have cut it, and the statement or the login runs on there. So the server still counts, for as
// long as an orderly end may take.
void Server::stream_closed(net::StreamId, net::CloseReason reason, const std::string& detail) {
  if (state_ == State::connecting) {
    unreachable({why_unreached(reason), address_.text() + ": " + detail});
    return try_next_address();
  }
  if (state_ == State::login && reason == net::CloseReason::tls_rejected) {
    return fail({Reason::server_tls_failed, target_.host + ": " + detail, Setback::of_upstream});
  }
  const auto lost = why_lost(reason, state_ == State::login);
  if (farewell_said_) return database_closed(lost, detail);
  cut_off_ = true;
  if (state_ == State::closing && worker_->closing_servers()) return gone_unheard();
  end_broken(lost, detail);
}

void Server::database_closed(Reason reason, const std::string& detail) {
  switch (state_) {
    case State::login:
      fail({reason, detail});
      break;
    case State::connecting:
    case State::closing:
      break;
    case State::verifying:
      gate().assign_failed(id_, waiting_holder() != nullptr);
      return vanish();
    case State::idle:
    case State::linked:
    case State::cleaning:
    case State::cancelling:
      part_from_holder(reason, detail);
      gate().server_closing(id_);
      break;
  }
  gone();
}

void Server::broken(Reason reason, std::string_view detail) {
  broken_ = true;
  farewell_said_ = is_farewell(reason);
  worker_->later([gate = &gate(), id = id_, reason, text = std::string(detail)] {
    auto* server = gate->find(id);
    if (server != nullptr) server->end_broken(reason, text);
  });
}

// The connection must not be used again, and the database has not closed its end.
void Server::end_broken(Reason reason, const std::string& detail) {
  if (state_ == State::closing) return;
  if (state_ == State::login) return fail({reason, detail});
  if (state_ == State::verifying) {
    if (auto* holder = waiting_holder()) holder->want_again(verified_wait_);
  }
  part_from_holder(reason, detail);
  close(reason);
}

void Server::part_from_holder(Reason reason, const std::string& detail) {
  log().write(holder_ == nullptr ? LogLevel::info : LogLevel::warning, "server lost",
              {{"reason", name(reason)},
               {"detail", detail},
               {"database", route_->database()},
               {"linked", holder_ != nullptr}});
  if (auto* holder = std::exchange(holder_, nullptr)) holder->server_lost(reason, detail);
}

void Server::drop(Reason reason) {
  holder_ = nullptr;
  close(reason);
}

void Server::close(Reason reason) {
  if (state_ == State::closing) return;
  gate().server_closing(id_);
  pool_closes(reason);
}

void Server::pool_closes(Reason reason) {
  if (state_ == State::closing) return;
  log().write(LogLevel::debug, "closing server",
              {{"reason", name(reason)}, {"database", route_->database()}});
  if (auto* holder = std::exchange(holder_, nullptr)) holder->server_lost(reason, {});
  begin_close();
}

// Whoever comes next counts anew: there is no use in waiting for an end that cannot be heard.
void Server::leave() {
  if (state_ == State::closing && cut_off_) return gone_unheard();
  close(Reason::shutting_down);
}

void Server::gone_unheard() {
  log().write(LogLevel::warning, "server not awaited",
              {{"detail", "its connection broke off: the database may count it for a while yet"},
               {"host", target_.host},
               {"port", target_.port},
               {"database", rules().database}});
  gone();
}

// Goodbye is said, and then the database closes its end: only after that may another connection
// take this one's place in the budget. Inside a message of a client that vanished there is no place
// for a goodbye; the database, which waits for the rest, learns by the end of the stream.
void Server::begin_close() {
  if (state_ == State::connecting) return gone();
  state_ = State::closing;
  if (cut_off_ && worker_->closing_servers()) return gone_unheard();
  set_reading();
  conversation_->terminate();
  worker_->reactor().end_output(stream_);
  set_timer(route_->upstream().spec().close_timeout);
}

void Server::gone() {
  gate().server_gone(id_);
  vanish();
}

void Server::vanish() {
  stop_timer();
  worker_->reactor().close(stream_, net::CloseMode::now);
  state_ = State::closing;
  for (auto* errand : std::vector(errands_)) errand->end();
  worker_->bury(gate(), id_);
}

// --- Time ---

void Server::set_timer(Duration after) {
  stop_timer();
  timer_ = worker_->reactor().arm(worker_->reactor().now() + after, this, 0);
}

void Server::stop_timer() {
  worker_->reactor().disarm(timer_);
  timer_ = {};
}

void Server::timer_fired(net::TimerId, std::uint64_t) {
  timer_ = {};
  switch (state_) {
    case State::connecting:
      return no_answer();
    case State::login:
      return fail({Reason::connect_timeout, "connect_timeout passed during login"});
    case State::verifying:
      gate().server_silent(id_);
      return end_broken(Reason::server_lost, "no answer to the check before use in ping_timeout");
    case State::cleaning:
    case State::cancelling:
      return close(Reason::unclean);
    case State::closing:
      return gone();
    case State::idle:
    case State::linked:
      return;
  }
}

// --- Moving to another worker ---

net::ParcelPtr Server::pack() {
  stop_timer();
  auto parcel = worker_->reactor().detach(stream_);
  if (parcel != nullptr) worker_ = nullptr;
  return parcel;
}

void Server::unpack(Worker& worker, net::ParcelPtr parcel) {
  worker_ = &worker;
  output_full_ = false;  // only what has no output queued can move
  stream_ = worker.reactor().adopt(std::move(parcel), this);
}

}  // namespace tidegate::proxy
