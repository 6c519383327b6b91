#include "net/tls_self_signed.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace tidegate::net {
namespace {

constexpr long kValidSeconds = 10L * 365 * 24 * 3600;
constexpr long kSkewSeconds = 3600;  // for clients whose clocks are behind

bool add_extension(X509& certificate, int kind, const std::string& value) {
  std::unique_ptr<X509_EXTENSION, OpenSslFree<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool set_serial(X509& certificate) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial >> 1) == 1;
}

bool set_names(X509& certificate, const std::string& common_name) {
  auto* name = X509_get_subject_name(&certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, name) == 1 &&
         add_extension(certificate, NID_subject_alt_name, "DNS:" + common_name);
}

}  // namespace

KeyPtr make_p256_key() {
  return KeyPtr(EVP_EC_gen("P-256"));
}

CertificatePtr make_self_signed(EVP_PKEY& key, const std::string& common_name) {
  CertificatePtr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(*certificate) || !set_names(*certificate, common_name)) {
    return nullptr;
  }
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kSkewSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidSeconds);
  if (X509_set_pubkey(certificate.get(), &key) != 1 ||
      X509_sign(certificate.get(), &key, EVP_sha256()) == 0) {
    return nullptr;
  }
  return certificate;
}

}  // namespace tidegate::net
