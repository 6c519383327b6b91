// Logging in at a server: SSLRequest as the route's sslmode wants it, startup, the password by
// SCRAM-SHA-256(-PLUS), md5 or cleartext, then everything the server reports until its first
// ReadyForQuery. One function per state; a server that steps out of the order is left at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/scram.h"
#include "base/bytes.h"
#include "postgres/authentication.h"
#include "postgres/message_gatherer.h"
#include "postgres/messages.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class ServerLogin {
 public:
  enum class State : std::uint8_t {
    starting,
    ssl_answer,  // SSLRequest was sent, one byte is expected
    securing,
    authenticating,  // startup was sent
    sasl_continue,   // the first SCRAM message was sent
    awaiting_keys,   // SCRAM keys are being derived
    sasl_final,      // our proof was sent; the server's has to come
    awaiting_ok,     // all was proven: only AuthenticationOk may follow
    reporting,       // AuthenticationOk came: ParameterStatus, BackendKeyData, ...
    done,            // ReadyForQuery 'I'; the owner takes over and calls login_done()
    failed,          // login_failed was called
  };

  explicit ServerLogin(session::ServerPort& port);
  ~ServerLogin();
  ServerLogin(const ServerLogin&) = delete;
  ServerLogin& operator=(const ServerLogin&) = delete;

  void start(const session::Turn& turn);
  void secured(const session::TlsFacts& facts, const session::Turn& turn);
  void scram_keys(const session::ScramKeys& keys, const session::Turn& turn);
  // Gives how many bytes it took; after `done` the rest is the relay's.
  std::size_t from_server(Bytes bytes, const session::Turn& turn);
  void set_port(session::ServerPort* port) { port_ = port; }

  State state() const { return state_; }
  const Parameters& reported() const { return reported_; }  // in the order they came first
  std::uint32_t process_id() const { return process_id_; }
  Bytes cancel_key() const { return cancel_key_; }  // 4 bytes, or up to 256 (3.2)

 private:
  // Up to the startup packet: server_login.cc
  std::size_t take_ssl_answer(Bytes bytes);
  void send_startup();
  std::size_t take_message(Bytes bytes, const session::Turn& turn);
  void message_arrived(char type, Bytes body, const session::Turn& turn);

  // The password: server_login_proof.cc
  void authentication_arrived(Bytes body, const session::Turn& turn);
  void password_wanted(Authentication kind, ByteReader request, const session::Turn& turn);
  void cleartext_wanted(ByteReader request);
  void md5_wanted(ByteReader request);
  void sasl_wanted(ByteReader request, const session::Turn& turn);
  void sasl_challenged(std::string_view server_first);
  void sasl_answered(std::string_view server_final);
  bool has_password();
  void send_password(std::string_view password);

  // What the server reports: server_login.cc
  void parameter_reported(Bytes body);
  void key_data_arrived(Bytes body);
  void ready_arrived(Bytes body);
  void error_arrived(Bytes body);
  void notice_arrived(Bytes body);

  void fail(Reason reason, std::string_view detail, Setback setback);
  void fail(const session::Failure& why);
  void fail_protocol(std::string_view detail);
  void fail_scram(auth::ScramError error);

  session::ServerPort* port_;
  State state_ = State::starting;
  bool secured_ = false;
  ByteBuffer channel_binding_;  // tls-server-end-point; empty without TLS
  MessageGatherer message_;
  std::unique_ptr<auth::ScramClient> scram_;
  Parameters reported_;
  std::uint32_t process_id_ = 0;
  ByteBuffer cancel_key_;
};

}  // namespace tidegate::postgres
