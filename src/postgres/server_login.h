// Logging in at a server: SSLRequest as the route's sslmode wants it, startup, the password by
// SCRAM-SHA-256(-PLUS), md5 or cleartext, then everything the server reports until its first
// ReadyForQuery.
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

class ServerLogin {
 public:
  enum class State : std::uint8_t {
    starting,
    ssl_answer,       // SSLRequest was sent, one byte is expected
    securing,
    authenticating,   // startup was sent
    awaiting_keys,    // SCRAM keys are being derived
    sasl_continue,
    sasl_final,
    reporting,        // AuthenticationOk came: ParameterStatus, BackendKeyData, ...
    done,             // ReadyForQuery 'I'
    failed,           // login_failed was called
  };

  explicit ServerLogin(session::ServerPort& port);
  ~ServerLogin();

  void start(const session::Turn& turn);
  void secured(const session::TlsFacts& facts, const session::Turn& turn);
  void scram_keys(const session::ScramKeys& keys, const session::Turn& turn);
  // Gives how many bytes it took; after `done` the rest is the relay's.
  std::size_t from_server(Bytes bytes, const session::Turn& turn);

  State state() const { return state_; }
  const Parameters& reported() const { return reported_; }  // in the order they came
  std::uint32_t process_id() const { return process_id_; }
  Bytes cancel_key() const { return cancel_key_; }          // 4 bytes, or up to 256 (3.2)

 private:
  session::ServerPort& port_;
  State state_ = State::starting;
  Parameters reported_;
  std::uint32_t process_id_ = 0;
  ByteBuffer cancel_key_;
  ByteBuffer gathered_;
  std::unique_ptr<auth::ScramClient> scram_;
  ByteBuffer channel_binding_;
  bool secured_ = false;
  bool keys_retried_ = false;
  session::ScramKeys keys_;
};

}  // namespace tidegate::postgres
