#include "net/tls_session.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "net/tls_context.h"

namespace tidegate::net {

// The BIO's callbacks. Outgoing records are always taken, so OpenSSL never waits for a writer.
struct TlsBio {
  static TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    auto& session = session_of(bio);
    const auto input = session.next_input();
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const auto count = std::min(input.size(), static_cast<std::size_t>(size));
    std::memcpy(out, input.data(), count);
    session.consume_input(count);
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    auto* wire = session_of(bio).wire_;
    if (wire == nullptr) return size;  // SSL_free saying goodbye: nobody listens any more
    wire->output.append(wire->blocks, as_bytes({data, static_cast<std::size_t>(size)}));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
};

BioMethodPtr make_session_bio() {
  BioMethodPtr method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tidegate"));
  BIO_meth_set_read(method.get(), TlsBio::read);
  BIO_meth_set_write(method.get(), TlsBio::write);
  BIO_meth_set_ctrl(method.get(), TlsBio::control);
  BIO_meth_set_create(method.get(), TlsBio::create);
  return method;
}

namespace {

// Lends the queues to the BIO for the length of one call.
class WireLoan {
 public:
  WireLoan(TlsSession::Wire*& slot, TlsSession::Wire& wire) : slot_(slot) {
    ERR_clear_error();
    slot_ = &wire;
  }
  ~WireLoan() { slot_ = nullptr; }
  WireLoan(const WireLoan&) = delete;
  WireLoan& operator=(const WireLoan&) = delete;

 private:
  TlsSession::Wire*& slot_;
};

bool is_ip_literal(const std::string& name) {
  in6_addr scratch;
  return inet_pton(AF_INET, name.c_str(), &scratch) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &scratch) == 1;
}

// RFC 6066: no literal addresses in SNI. For verify-full they are matched against the
// certificate's addresses instead of its names.
bool set_name(SSL* ssl, const std::string& name, bool verify) {
  if (name.empty()) return !verify;
  const bool literal = is_ip_literal(name);
  if (!literal && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) return false;
  if (!verify) return true;
  if (literal) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1;
}

// Our own check of the peer's certificate, or an alert by which the peer says that ours, or our
// offer, is not for it (RFC 8446, 6.2). Whatever else goes wrong may go well the next time.
bool is_rejection(unsigned long error) {
  constexpr int kLastingAlerts[] = {SSL_AD_HANDSHAKE_FAILURE,
                                    SSL_AD_BAD_CERTIFICATE,
                                    SSL_AD_UNSUPPORTED_CERTIFICATE,
                                    SSL_AD_CERTIFICATE_REVOKED,
                                    SSL_AD_CERTIFICATE_EXPIRED,
                                    SSL_AD_CERTIFICATE_UNKNOWN,
                                    SSL_AD_UNKNOWN_CA,
                                    SSL_AD_ACCESS_DENIED,
                                    SSL_AD_PROTOCOL_VERSION,
                                    SSL_AD_INSUFFICIENT_SECURITY,
                                    SSL_AD_CERTIFICATE_REQUIRED,
                                    SSL_AD_UNRECOGNIZED_NAME,
                                    SSL_AD_NO_APPLICATION_PROTOCOL};
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return true;
  return std::ranges::any_of(
      kLastingAlerts, [reason](int alert) { return reason == SSL_AD_REASON_OFFSET + alert; });
}

std::string common_name_of(const X509& certificate) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(&certificate), NID_commonName, text, sizeof text);
  return text;
}

}  // namespace

void TlsSession::Free::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

TlsSession::TlsSession(TlsContextRef context)
    : context_(std::move(context)), ssl_(SSL_new(context_->ctx.get())) {
  if (ssl_ == nullptr) return;
  auto* bio = BIO_new(context_->bio.get());
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSession::~TlsSession() {
  held_.clear();
}

std::unique_ptr<TlsSession> TlsSession::accept(TlsContextRef context) {
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(context)));
  if (session->ssl_ == nullptr) return nullptr;
  SSL_set_accept_state(session->ssl_.get());
  return session;
}

std::unique_ptr<TlsSession> TlsSession::connect(TlsContextRef context, const std::string& name) {
  std::unique_ptr<TlsSession> session(new TlsSession(std::move(context)));
  if (session->ssl_ == nullptr) return nullptr;
  SSL_set_connect_state(session->ssl_.get());
  if (!set_name(session->ssl_.get(), name, session->context_->verify_name)) return nullptr;
  return session;
}

TlsInfo TlsSession::info() const {
  auto* ssl = ssl_.get();
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  info.cipher = SSL_get_cipher_name(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) info.sni = name;
  const unsigned char* protocol = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  if (length > 0) info.alpn.assign(reinterpret_cast<const char*>(protocol), length);
  const auto* peer = SSL_get0_peer_certificate(ssl);
  if (peer != nullptr) info.peer_common_name = common_name_of(*peer);
  if (SSL_is_server(ssl)) {
    info.channel_binding = context_->channel_binding;
  } else if (peer != nullptr) {
    info.channel_binding = channel_binding_of(*peer);
  }
  return info;
}

bool TlsSession::has_unread() const {
  return !held_.empty() || !fed_.empty() || ended_ != Step::done || SSL_pending(ssl_.get()) > 0;
}

void TlsSession::hold_rest(BlockPool& blocks) {
  held_.append(blocks, fed_);
  fed_ = {};
}

ByteBuffer TlsSession::take_held() {
  ByteBuffer out;
  out.reserve(held_.size() + fed_.size());
  for (; !held_.empty(); held_.consume(held_.front().size())) {
    ByteWriter(out).bytes(held_.front());
  }
  ByteWriter(out).bytes(std::exchange(fed_, {}));
  return out;
}

// What was held came first.
Bytes TlsSession::next_input() const {
  return held_.empty() ? fed_ : held_.front();
}

void TlsSession::consume_input(std::size_t count) {
  if (held_.empty()) {
    fed_ = fed_.subspan(count);
  } else {
    held_.consume(count);
  }
}

TlsSession::Step TlsSession::step_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return Step::done;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Step::starved;
    case SSL_ERROR_ZERO_RETURN:
      return ended_ = Step::peer_closed;
    default:
      break;
  }
  const auto verified = SSL_get_verify_result(ssl_.get());
  rejected_ = is_rejection(ERR_peek_last_error());
  failure_ = openssl_error();
  if (verified != X509_V_OK) {
    failure_ = fmt::format("{}: {}", failure_, X509_verify_cert_error_string(verified));
  }
  return ended_ = Step::failed;
}

TlsSession::Step TlsSession::handshake(Wire wire) {
  const WireLoan loan(wire_, wire);
  const auto step = step_of(SSL_do_handshake(ssl_.get()));
  established_ = step == Step::done;
  return step;
}

TlsSession::Step TlsSession::read(Wire wire, MutableBytes into, std::size_t& got) {
  got = 0;
  if (ended_ != Step::done) return ended_;
  const WireLoan loan(wire_, wire);
  while (got < into.size()) {
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + got, into.size() - got, &count);
    if (result != 1) return step_of(result);
    got += count;
    if (!has_unread()) break;
  }
  return Step::done;
}

bool TlsSession::write(Wire wire, Bytes plaintext) {
  const WireLoan loan(wire_, wire);
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written);
  if (result == 1) return true;
  step_of(result);
  return false;
}

bool TlsSession::write_pending(Wire wire) {
  constexpr std::size_t kRecordMax = SSL3_RT_MAX_PLAIN_LENGTH;
  std::uint8_t record[kRecordMax];
  while (!pending.empty()) {
    std::size_t filled = 0;
    while (!pending.empty() && filled < kRecordMax) {
      const auto front = pending.front();
      const auto count = std::min(front.size(), kRecordMax - filled);
      std::memcpy(record + filled, front.data(), count);
      pending.consume(count);
      filled += count;
    }
    if (!write(wire, {record, filled})) return false;
  }
  return true;
}

void TlsSession::finish(Wire wire) {
  const WireLoan loan(wire_, wire);
  SSL_shutdown(ssl_.get());
}

}  // namespace tidegate::net
