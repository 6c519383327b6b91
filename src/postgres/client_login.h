// Logging a client in, from its first byte to the moment it is known and admitted: SSLRequest,
// GSSENCRequest, CancelRequest, startup, version negotiation, and the password by SCRAM-SHA-256
// (and -PLUS over TLS), md5 or cleartext. One function per state. It writes through the port and
// needs no server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/scram.h"
#include "base/bytes.h"
#include "postgres/messages.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class ClientLogin {
 public:
  enum class State : std::uint8_t {
    first_packet,      // SSLRequest, GSSENCRequest, CancelRequest or startup may come
    securing,          // 'S' was sent, TLS is being negotiated
    awaiting_secret,
    sasl_first,        // AuthenticationSASL was sent
    sasl_final,
    md5_response,
    cleartext_response,
    admitted,          // startup() and destination() are valid; AuthenticationOk was sent
    finished,          // refused or a cancel request: close_client was called
  };

  explicit ClientLogin(session::ClientPort& port);
  ~ClientLogin();

  // Takes bytes while it can; see session::ClientConversation::from_client. Stops right after the
  // last byte of the login: what follows belongs to the relay.
  std::size_t from_client(Bytes bytes, const session::Turn& turn);
  void secured(const session::TlsFacts& facts, const session::Turn& turn);
  void secret_found(const session::Secret& secret, const session::Turn& turn);

  State state() const { return state_; }
  bool wants_input() const;
  const Startup& startup() const { return startup_; }
  const session::Destination& destination() const { return destination_; }

 private:
  struct Packet;  // a message being gathered
  using Step = std::size_t (ClientLogin::*)(Bytes, const session::Turn&);

  session::ClientPort& port_;
  State state_ = State::first_packet;
  Startup startup_;
  session::Destination destination_;
  bool secured_ = false;
  bool asked_tls_ = false;
  bool asked_gss_ = false;
  std::optional<session::TlsFacts> tls_;
  session::Secret secret_;
  ByteBuffer gathered_;
  std::unique_ptr<auth::ScramServer> scram_;
  std::uint8_t salt_[4] = {};
};

}  // namespace tidegate::postgres
