// A server connection: the effects around a server's conversation, from connect() until the
// database has closed its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/reactor.h"
#include "pool/pool.h"
#include "proxy/ids.h"
#include "proxy/route.h"
#include "session/conversation.h"

namespace tidegate::proxy {

class CancelErrand;
class Client;
class Holder;
class PoolGate;
class Worker;

class Server final : public net::StreamHandler,
                     public net::TimerHandler,
                     public session::ServerPort {
 public:
  enum class State : std::uint8_t {
    connecting,  // resolving names, trying addresses
    login,
    idle,
    verifying,  // assigned, and being asked whether it lives
    linked,
    cleaning,    // its client left; what it owes is drained, its state put right
    cancelling,  // ready, but a cancel for its last statement is still on its way
    closing,     // waiting for the database to close its end
  };

  Server(Worker& worker, std::shared_ptr<Route> route, pool::ServerId id);
  ~Server() override;
  Server(const Server&) = delete;

  void open();

  // Orders from the worker and the client.
  void assign(Holder& holder, bool verify);
  void release();                   // by its holder: nothing owed, ready for anybody
  void abandon();                   // the client left in the middle
  void drop(Reason reason);         // by its holder: not to be used again
  void close(Reason reason);        // not to be used again; its holder is told
  void pool_closes(Reason reason);  // the same, and the pool knows already
  void leave();                     // the process leaves
  void errand_begins(CancelErrand& errand);
  // `in_doubt`: the cancel may still come, and hit whatever runs then.
  void errand_ended(CancelErrand& errand, bool in_doubt);
  bool output_full() const { return output_full_; }
  void set_reading();
  // For a move to another worker: null when it cannot move now.
  net::ParcelPtr pack();
  void unpack(Worker& worker, net::ParcelPtr parcel);

  State state() const { return state_; }
  // What the pool says is idle may have died meanwhile, or be known to be broken and not closed
  // yet.
  bool assignable() const { return state_ == State::idle && !broken_; }
  pool::ServerId id() const { return id_; }
  const std::shared_ptr<Route>& route() const { return route_; }
  // Null while connecting.
  bool has_conversation() const { return conversation_ != nullptr; }
  session::ServerConversation& conversation() { return *conversation_; }
  const Client* client() const;  // null also while a listener holds it
  bool is_listener() const { return holder_ != nullptr && client() == nullptr; }
  net::StreamId stream() const { return stream_; }
  const net::Address& address() const { return address_; }
  const net::Target& target() const { return target_; }
  std::uint64_t link_number() const { return link_number_; }
  Instant opened_at() const { return opened_at_; }
  Instant assigned_at() const { return assigned_at_; }
  std::size_t cancels() const { return errands_.size(); }
  bool secured() const;
  const std::string& pin() const { return pin_; }
  void set_pin(std::string_view why) { pin_ = why; }

  // net::StreamHandler
  void stream_connected(net::StreamId) override;
  void stream_secured(net::StreamId, const net::TlsInfo& info) override;
  void bytes_arrived(net::StreamId, Bytes bytes) override;
  void output_drained(net::StreamId) override;
  void peer_finished(net::StreamId) override;
  void stream_closed(net::StreamId, net::CloseReason reason, const std::string& detail) override;
  // net::TimerHandler
  void timer_fired(net::TimerId timer, std::uint64_t cookie) override;

  // session::ServerPort
  void to_server(Bytes bytes) override;
  void start_tls() override;
  const session::ServerRules& rules() const override { return route_->server_rules(); }
  bool over_unix_socket() const override { return address_.is_unix(); }
  void need_scram_keys(Bytes salt, std::uint32_t iterations) override;
  void login_done() override;
  void login_failed(const session::Failure& why) override;
  void verified() override;
  void cleaned() override;
  void broken(Reason reason, std::string_view detail) override;
  session::SnapshotRef snapshot() override { return route_->snapshot(); }
  bool replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) override {
    return route_->replace_snapshot(former, std::move(next));
  }
  Log& log() override;

 private:
  PoolGate& gate() const;
  void link(Holder& holder);
  Holder* waiting_holder() const;
  void try_next_host();
  void try_addresses(net::Resolved resolved);
  void try_next_address();
  void unreachable(session::Failure why);
  Duration time_left() const;  // of connect_timeout
  void share_time();
  void no_answer();
  // `otherwise` says why, unless the login has said it: that beats how the connection ended.
  void fail(const session::Failure& otherwise);
  void log_failure(const session::Failure& why);
  void database_closed(Reason reason, const std::string& detail);
  void end_broken(Reason reason, const std::string& detail);
  void part_from_holder(Reason reason, const std::string& detail);
  void begin_close();
  void gone();
  void gone_unheard();
  void vanish();  // the connection is gone and the pool knows
  void set_timer(Duration after);
  void stop_timer();
  void back_to_pool();

  Worker* worker_;
  std::shared_ptr<Route> route_;
  pool::ServerId id_;
  State state_ = State::connecting;
  net::StreamId stream_;
  std::unique_ptr<session::ServerConversation> conversation_;
  Holder* holder_ = nullptr;         // while linked
  pool::WaiterId verified_for_ = 0;  // while verifying: whom it is meant for, if he stays ...
  std::uint32_t verified_wait_ = 0;  // ... in this wait
  net::TimerId timer_;
  Instant opened_at_, assigned_at_;
  std::uint64_t link_number_ = 0;
  std::vector<CancelErrand*> errands_;  // under way to cancel what it runs
  bool cancel_in_doubt_ = false;
  bool reading_ = true;
  bool output_full_ = false;
  bool broken_ = false;   // said by the conversation; it is closed at the end of the turn
  bool cut_off_ = false;  // the connection broke: nothing more can be heard of the database
  std::unique_ptr<session::Failure> refusal_;  // of the login
  bool farewell_said_ = false;  // by the database: its end of the connection goes without waiting
  std::size_t hosts_tried_ = 0, first_host_ = 0;
  std::vector<net::Address> addresses_;  // not tried yet, next one last
  net::Target target_;
  net::Address address_;
  session::Failure unreached_;  // why the last host or address that was tried cannot be reached
  bool may_pass_ = false;       // and one of them may be, later
  std::string pin_;
};

}  // namespace tidegate::proxy
