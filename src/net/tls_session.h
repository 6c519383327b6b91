// One TLS connection, without a socket: records are fed in, plaintext is read; plaintext is
// written, records come out in a queue. OpenSSL sees it through a BIO of our own that borrows the
// reactor's buffers for the length of a call, so that an idle connection holds no buffer of it.
#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

#include "base/byte_queue.h"
#include "net/tls.h"

namespace tidegate::net {

class TlsSession {
 public:
  // starved: everything fed in was used up, more is needed.
  enum class Step : std::uint8_t { done, starved, peer_closed, failed };

  // Null when OpenSSL has no memory left. `name` as in Reactor::start_tls_client.
  static std::unique_ptr<TlsSession> accept(TlsContextRef context);
  static std::unique_ptr<TlsSession> connect(TlsContextRef context, const std::string& name);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  bool established() const { return established_; }
  // What there is to say once established.
  TlsInfo info() const;
  // Why a step failed, in OpenSSL's words.
  const std::string& failure() const { return failure_; }
  // It failed because one side will not have what the other shows (a certificate, a version), and
  // would fail again.
  bool rejected() const { return rejected_; }

  // Records from the wire; borrowed until they are used up, held or taken.
  void feed(Bytes records) { fed_ = records; }
  bool has_unread() const;
  // Copies what is left of the borrowed records, because their buffer is needed elsewhere.
  void hold_rest(BlockPool& blocks);
  // Takes them out altogether: the connection moves to a reactor with other blocks.
  ByteBuffer take_held();

  // Records to be sent are appended to `output`.
  struct Wire {
    ByteQueue& output;
    BlockPool& blocks;
  };
  Step handshake(Wire wire);
  // Plaintext into `into`; `got` counts the bytes. starved and peer_closed may come with bytes.
  Step read(Wire wire, MutableBytes into, std::size_t& got);
  bool write(Wire wire, Bytes plaintext);
  // Encrypts what is pending, in records as large as there are.
  bool write_pending(Wire wire);
  // Says goodbye (close_notify).
  void finish(Wire wire);

  // Plaintext of this turn, to be encrypted together at its end.
  ByteQueue pending;
  // Bytes that TLS itself answered since the peer last took all there was.
  std::size_t answers_waiting = 0;

 private:
  friend struct TlsBio;

  struct Free {
    void operator()(SSL* ssl) const;
  };
  explicit TlsSession(TlsContextRef context);
  Step step_of(int result);
  Bytes next_input() const;
  void consume_input(std::size_t count);

  TlsContextRef context_;
  Bytes fed_;
  ByteQueue held_;
  Wire* wire_ = nullptr;  // only within a call
  std::unique_ptr<SSL, Free> ssl_;
  std::string failure_;
  Step ended_ = Step::done;  // for good: peer_closed or failed
  bool established_ = false;
  bool rejected_ = false;
};

}  // namespace tidegate::net
