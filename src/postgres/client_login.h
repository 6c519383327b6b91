// Logging a client in, from its first byte to the moment it is known and admitted: SSLRequest,
// GSSENCRequest, CancelRequest, startup, version negotiation, and the password by SCRAM-SHA-256
// (and -PLUS over TLS), md5 or cleartext. One function per state. It writes through the port and
// needs no server.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/scram.h"
#include "base/bytes.h"
#include "postgres/message_gatherer.h"
#include "postgres/messages.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class ClientLogin {
 public:
  enum class State : std::uint8_t {
    first_packet,  // SSLRequest, GSSENCRequest, CancelRequest or startup may come
    securing,      // 'S' was sent, TLS is being negotiated
    awaiting_secret,
    sasl_first,  // AuthenticationSASL was sent
    sasl_final,
    md5_response,
    cleartext_response,
    admitted,  // startup() and destination() are valid; AuthenticationOk was sent
    finished,  // refused or a cancel request: close_client was called
  };

  explicit ClientLogin(session::ClientPort& port);
  ~ClientLogin();
  ClientLogin(const ClientLogin&) = delete;
  ClientLogin& operator=(const ClientLogin&) = delete;

  // Takes bytes while it can; see session::ClientConversation::from_client. Stops right after the
  // last byte of the login: what follows belongs to the relay.
  std::size_t from_client(Bytes bytes, const session::Turn& turn);
  void secured(const session::TlsFacts& facts, const session::Turn& turn);
  void secret_found(const session::Secret& secret, const session::Turn& turn);
  // A FATAL error with this reason, then the end: the login took too long, or the proxy leaves.
  void dismiss(Reason reason);

  State state() const { return state_; }
  bool wants_input() const;
  const Startup& startup() const { return startup_; }
  const session::Destination& destination() const { return destination_; }

 private:
  // Before anybody is known: client_login.cc
  std::size_t take_first_packet(Bytes bytes);
  void first_packet_arrived();
  void ssl_requested(Bytes body);
  void gss_requested(Bytes body);
  void cancel_requested(Bytes body);
  void startup_arrived(std::uint32_t protocol, Bytes body);
  bool startup_understood(Bytes body);
  void negotiate_protocol();

  // The password: client_login_proof.cc
  void ask_for_sasl();
  void ask_for_md5(const session::Turn& turn);
  void ask_for_cleartext();
  std::size_t take_proof(Bytes bytes, const session::Turn& turn);
  void proof_arrived(Bytes body, const session::Turn& turn);
  void sasl_first_arrived(Bytes body, const session::Turn& turn);
  void sasl_final_arrived(Bytes body);
  void md5_arrived(Bytes body);
  void cleartext_arrived(Bytes body);
  bool password_given(Bytes body, std::string_view& password);
  void password_checked(bool right);
  void admit();

  void refuse(Reason reason, std::string_view detail = {});
  void refuse_with(Reason reason, const ErrorText& error);
  void refuse_scram(auth::ScramError error);
  void finish(Reason reason, session::Farewell how);
  void forget_secrets();
  Bytes channel_binding() const;

  session::ClientPort& port_;
  State state_ = State::first_packet;
  bool asked_tls_ = false;  // or came with TLS from the first byte
  bool asked_gss_ = false;
  std::optional<session::TlsFacts> tls_;
  ByteBuffer packet_;        // the first packets, which have no type byte
  MessageGatherer message_;  // what comes after them
  Startup startup_;
  session::Destination destination_;
  session::Secret secret_;
  auth::ScramVerifier verifier_;
  std::unique_ptr<auth::ScramServer> scram_;
  std::array<std::uint8_t, 4> salt_{};
};

}  // namespace tidegate::postgres
