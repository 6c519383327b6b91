// A client connection: the effects around a client's conversation. It keeps what the client sent
// ahead while it waits, holds the place in the pool's queue, and applies back-pressure between the
// client and the server it is linked to.
#pragma once

#include <memory>
#include <string>

#include "base/byte_queue.h"
#include "net/reactor.h"
#include "proxy/census.h"
#include "proxy/holder.h"
#include "proxy/ids.h"
#include "proxy/route.h"
#include "session/conversation.h"

namespace tidegate::proxy {

class Server;
class Worker;

class Client final : public Holder,
                     public net::StreamHandler,
                     public net::TimerHandler,
                     public session::ClientPort {
 public:
  enum class State : std::uint8_t {
    arriving,  // nothing was read yet: the first bytes decide
    login,
    idle,     // logged in, without a server
    waiting,  // in a pool's queue
    linked,
    ending,  // close_client was called; only buried yet
  };

  explicit Client(Worker& worker);
  ~Client() override;
  Client(const Client&) = delete;

  // Right after construction: the slot and the stream it stands for.
  void begin(ClientId id, net::ParcelPtr parcel, const net::Address& peer, Ticket ticket);

  // Orders from the worker.
  void link(Server& server) override;
  // The server chosen for it died before it could be linked: back to the queue, at the front.
  void want_again(std::uint32_t wait) override;
  void refuse(Reason reason) override;
  // Whether it is in this wait of its own, and not in a later one.
  bool waits(std::uint32_t wait) const override {
    return state_ == State::waiting && wait == wait_number_;
  }
  std::uint32_t wait_number() const override { return wait_number_; }
  void server_lost(Reason reason, const std::string& detail) override;
  void dismiss(Reason reason);
  // No transaction, nothing owed or held back: it may be dismissed without losing anything.
  bool at_rest() const {
    return state_ != State::ending && held_.empty() && conversation_->at_rest();
  }
  // Dismisses it if that loses nothing; true when it did.
  bool dismiss_at_rest(Reason reason);
  // Somebody asks to cancel what this client runs, and knows its key. `done` runs when the cancel
  // has reached its statement, or there was none.
  bool owns_key(Bytes key) const;
  void cancel(net::Task done);
  bool can_be_cancelled() const;  // it runs something, or waits for a server to do so
  // Offers held bytes as long as the conversation takes them, and sets reading by what remains.
  void feed() override;
  bool output_full() const override { return output_full_; }
  const Client* as_client() const override { return this; }
  // From the listener of its database.
  void hearing(const session::Hearing& answer);
  void notified(const session::NotificationRef& notification);
  void notifications_missed();
  void barrier_passed();
  // Nothing to who is not waiting for it, or has been told.
  void secret_found(const session::Secret& secret);
  bool waits_for_secret_of(std::string_view user) const { return secret_asked_ && user_ == user; }
  // To another, when all places at the door are taken; false when it is on its way in. Its place is
  // free at once.
  bool give_way();

  State state() const { return state_; }
  ClientId id() const { return id_; }
  pool::WaiterId waiter() const override;
  net::StreamId stream() const { return stream_; }
  Server* server() const { return server_; }
  const std::shared_ptr<Route>& route() const { return route_; }
  const std::string& user() const { return user_; }
  const std::string& database() const { return database_; }
  const std::string& address() const { return address_; }
  const std::string& application_name() const { return application_name_; }
  Instant connected_at() const { return connected_at_; }
  Instant wait_since() const { return wait_since_; }
  const session::ClientConversation& conversation() const { return *conversation_; }

  // net::StreamHandler
  void stream_secured(net::StreamId, const net::TlsInfo& info) override;
  void bytes_arrived(net::StreamId, Bytes bytes) override;
  void output_drained(net::StreamId) override;
  void peer_finished(net::StreamId) override;
  void stream_closed(net::StreamId, net::CloseReason reason, const std::string& detail) override;
  // net::TimerHandler
  void timer_fired(net::TimerId timer, std::uint64_t cookie) override;

  // session::ClientPort
  void to_client(Bytes bytes) override;
  void close_client(Reason reason, session::Farewell how) override;
  bool tls_offered() const override;
  bool tls_required() const override;
  bool cleartext_password_allowed() const override;
  void start_tls() override;
  void introduced(std::string_view user, std::string_view database) override;
  void need_secret(std::string_view user, std::string_view database) override;
  session::Destination admit(std::string_view user, std::string_view database) override;
  void login_done(std::string_view application_name) override;
  std::uint32_t cancel_pid() override;
  std::uint32_t cancel_key() override { return cancel_key_; }
  void cancel_requested(std::uint32_t pid, Bytes key) override;
  void want_server(HoldKind kind, FitTag fit) override;
  void release_server() override;
  void drop_server(Reason reason) override;
  bool hold_changed(HoldKind kind, std::string_view why) override;
  session::SnapshotRef snapshot() override;
  bool replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) override;
  bool may_be_outdated() override;
  void application_name_changed(std::string_view name) override;
  Log& log() override;
  bool can_listen() const override;
  void listen(std::uint32_t request, std::vector<std::string> channels) override;
  void unlisten(std::vector<std::string> channels) override;
  bool is_listened_to() const override;
  void want_barrier() override;
  void sends_by(std::uint32_t process_id) override;
  void sent_all(std::uint32_t process_id) override;
  bool client_full() const override { return output_full_; }

 private:
  // True when the first bytes are a TLS handshake, which then has them.
  bool begins_with_tls(Bytes first);
  void offer(Bytes bytes);
  void set_reading();
  bool clients_full() const;
  Reason why_lost(net::CloseReason reason) const;
  session::Destination admit_to_console(const std::string& user);
  void log_end(Reason reason, std::string_view detail);
  // Lets go of the server on the way out; `cancel` when a statement is to be stopped.
  void leave_server(bool cancel);
  void dismiss_soon();
  void cancel_over();
  void end(Reason reason, std::string_view detail = {});
  void ask_pool(bool again);

  Worker& worker_;
  ClientId id_;
  net::StreamId stream_;
  std::shared_ptr<Route> route_;  // before the conversation, which has its rules and its traffic
  std::unique_ptr<session::ClientConversation> conversation_;
  ByteQueue held_;
  Server* server_ = nullptr;
  net::TimerId login_timer_;
  Instant connected_at_;
  Instant wait_since_;
  std::uint32_t wait_number_ = 0;
  HoldKind wanted_kind_ = HoldKind::transaction;
  FitTag wanted_fit_ = 0;
  std::uint32_t cancel_key_ = 0;
  State state_ = State::arriving;
  bool reading_ = true;
  bool output_full_ = false;
  bool secured_ = false;
  bool over_unix_socket_ = false;  // nobody listens in between, with or without TLS
  bool finished_ = false;          // the client closed its sending side
  bool logged_in_ = false;
  bool secret_asked_ = false;  // it waits for us, not we for it
  bool listens_ = false;       // or has
  bool cancelling_ = false;    // it came to cancel: its connection ends when that is over
  Ticket in_process_, in_user_, in_database_, in_route_, inside_;
  std::string address_;  // kept because the stream may be gone when it is to be named
  std::string user_, database_, application_name_;
};

}  // namespace tidegate::proxy
