// Tidegate's side of one connection to a database: login, then whatever the linked client makes of
// it, and between two clients the errands that keep it usable (is it alive, clean up after one who
// left). The requests themselves are written by the client's session; this class owns the state
// that they act on and walks the replies.
#pragma once

#include <memory>
#include <string_view>

#include "postgres/linked_client.h"
#include "postgres/reply_walk.h"
#include "postgres/server_login.h"
#include "postgres/server_state.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class ServerConversation final : public session::ServerConversation {
 public:
  ServerConversation(session::ServerPort& port, const session::RouteRules& rules);
  ~ServerConversation() override;

  void start(const session::Turn& turn) override;
  void secured(const session::TlsFacts& facts, const session::Turn& turn) override;
  void scram_keys(const session::ScramKeys& keys, const session::Turn& turn) override;
  void from_server(Bytes bytes, const session::Turn& turn) override;
  void set_port(session::ServerPort* port) override { port_ = port; }
  void verify(const session::Turn& turn) override;
  bool abandon(const session::Turn& turn) override;
  bool busy() const override { return !state_.owed.empty(); }
  bool cancellable() const override;
  std::uint64_t requests_ended() const override { return state_.requests_ended; }
  std::unique_ptr<session::SideConversation> make_cancel() const override;
  void terminate() override;
  FitTag fit() const override { return state_.have->tag(); }
  int prepared_statements() const override { return static_cast<int>(state_.statements.size()); }
  std::uint32_t process_id() const override { return process_id_; }

  // For the client that it is linked to. `mid_message`: the client stopped inside a message that
  // was partly forwarded, so the server can never be spoken to again.
  void link(LinkedClient& client);
  void unlink(bool mid_message);
  void send(Bytes bytes) { port_->to_server(bytes); }
  ServerState& state() { return state_; }
  std::string_view login_user() const { return port_->rules().user; }

 private:
  enum class Errand : std::uint8_t { none, verifying, draining, rolling_back, discarding };

  void login_step(Bytes bytes, const session::Turn& turn);
  void login_finished();
  void serve(Bytes bytes, const session::Turn& turn);
  void tell_news();
  void continue_errand();
  void finish_replies();
  void spoil();
  void next_cleaning();
  void ask(Errand errand, std::string_view sql);
  void sync(Errand errand);

  session::ServerPort* port_;
  std::unique_ptr<ServerLogin> login_;
  ServerState state_;
  ReplyWalk walk_{state_};
  LinkedClient* client_ = nullptr;
  Errand errand_ = Errand::none;
  bool broken_ = false;
  bool mid_message_ = false;
  std::uint32_t process_id_ = 0;
  ByteBuffer cancel_key_;
};

}  // namespace tidegate::postgres
