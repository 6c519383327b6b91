// A client from its first byte to its last. It is one of four things at a time: somebody logging
// in, a login whose parameters are being asked of a server, a user of the console, or a session.
#pragma once

#include <memory>

#include "postgres/client_login.h"
#include "postgres/console_conversation.h"
#include "postgres/conversations.h"
#include "postgres/login_probe.h"
#include "postgres/session.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class ClientConversation final : public session::ClientConversation, public LoginProbe::Listener {
 public:
  ClientConversation(session::ClientPort& port, Workshop& workshop);
  ~ClientConversation() override;

  std::size_t from_client(Bytes bytes, const session::Turn& turn) override;
  bool wants_input() const override;
  void client_finished(const session::Turn& turn) override;
  void client_lost(const session::Turn& turn) override;
  void secured(const session::TlsFacts& facts, const session::Turn& turn) override;
  void secret_found(const session::Secret& secret, const session::Turn& turn) override;
  void linked(session::ServerConversation& server, const session::Turn& turn) override;
  void refused(const session::Failure& why, const session::Turn& turn) override;
  void server_lost(Reason reason, std::string_view detail, const session::Turn& turn) override;
  void dismiss(Reason reason, const session::Turn& turn) override;
  void hearing(const session::Hearing& answer, const session::Turn& turn) override {
    if (session_) session_->hearing(answer, turn);
  }
  void notified(const session::NotificationRef& each, const session::Turn&) override {
    if (session_) session_->notified(each);
  }
  void notifications_missed(const session::Turn&) override {
    if (session_) session_->notifications_missed();
  }
  void barrier_passed(const session::Turn& turn) override {
    if (session_) session_->barrier_passed(turn);
  }
  void client_drained(const session::Turn&) override {
    if (session_) session_->client_drained();
  }
  int channels() const override { return session_ ? session_->channels() : 0; }
  bool said_goodbye() const override { return session_ != nullptr && session_->said_goodbye(); }
  bool at_rest() const override;
  int prepared_statements() const override;

 private:
  void login_stepped(const session::Turn& turn);
  void admitted();
  void begin_probe(bool doubtful);
  void probe_finished(const session::Turn& turn) override;
  void probe_spoilt() override;
  bool begin_session(const RouteSnapshotRef& snapshot);
  void open_console();
  void fail(Reason reason, std::string_view detail);
  void fail(const session::Failure& why);

  session::ClientPort& port_;
  Workshop& workshop_;
  bool closed_ = false;
  std::unique_ptr<ClientLogin> login_;  // also while the probe runs: it knows the startup packet
  std::unique_ptr<LoginProbe> probe_;
  std::unique_ptr<ConsoleConversation> console_;
  std::unique_ptr<Session> session_;
};

}  // namespace tidegate::postgres
