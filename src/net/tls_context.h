// What TlsContext is made of. Only the tls_*.cc files see it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/tls.h"

namespace tidegate::net {

template <auto free>
struct OpenSslFree {
  template <typename T>
  void operator()(T* value) const {
    free(value);
  }
};
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>>;
using BioMethodPtr = std::unique_ptr<BIO_METHOD, OpenSslFree<BIO_meth_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpenSslFree<X509_free>>;

class TlsContext {
 public:
  SslCtxPtr ctx;
  BioMethodPtr bio;
  bool verify_name = false;
  // Server side: of our own certificate.
  std::vector<std::uint8_t> channel_binding;
};

// The BIO that every session of a context uses (tls_session.cc).
BioMethodPtr make_session_bio();

// RFC 5929, tls-server-end-point: the certificate's hash, by the hash of its own signature, with
// SHA-256 in place of MD5 and SHA-1. Empty where the signature names no hash (Ed25519).
std::vector<std::uint8_t> channel_binding_of(const X509& certificate);

// The last error on OpenSSL's queue in words; empties the queue.
std::string openssl_error();

}  // namespace tidegate::net
