// For tests: a certificate authority in a temporary folder, and what it signs.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "net/tls_self_signed.h"

namespace tidegate::net {

class TestAuthority {
 public:
  TestAuthority() : key_(make_p256_key()) {
    char name[] = "/tmp/tidegate_tls_XXXXXX";
    folder_ = mkdtemp(name);
    certificate_ = make("test authority", *key_, {{NID_basic_constraints, "critical,CA:TRUE"}});
    sign(EVP_sha256(), *certificate_);
    write_certificate("ca.crt", *certificate_);
  }
  ~TestAuthority() { std::filesystem::remove_all(folder_); }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  std::string file(const std::string& name) const { return folder_ / name; }
  std::string ca_file() const { return file("ca.crt"); }

  // From when to when a certificate is valid, in seconds from now.
  struct Validity {
    long from_s, to_s;
  };

  // Writes NAME.crt and NAME.key; `subject` as in "DNS:db.example.com" or "IP:127.0.0.1".
  TlsSettings issue(const std::string& name, const std::string& subject,
                    const EVP_MD* hash = EVP_sha256(), Validity validity = {-60, 3600}) const {
    const auto key = make_p256_key();
    const auto certificate = make(name, *key, {{NID_subject_alt_name, subject}});
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validity.from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.to_s);
    sign(hash, *certificate);
    write_certificate(name + ".crt", *certificate);
    write_key(name + ".key", *key);
    return {.cert_file = file(name + ".crt"), .key_file = file(name + ".key")};
  }

 private:
  using Extensions = std::vector<std::pair<int, std::string>>;

  // Issued by the authority, or by itself when there is none yet; not signed.
  CertificatePtr make(const std::string& name, EVP_PKEY& key, const Extensions& extensions) const {
    CertificatePtr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), certificate_ ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    auto* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0);
    const auto* issuer = certificate_ ? certificate_.get() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    for (const auto& [kind, value] : extensions) {
      auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
      X509_add_ext(made.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_set_pubkey(made.get(), &key);
    return made;
  }
  void sign(const EVP_MD* hash, X509& certificate) const {
    X509_sign(&certificate, key_.get(), hash);
  }
  void write_certificate(const std::string& name, X509& certificate) const {
    FILE* out = fopen(file(name).c_str(), "w");
    PEM_write_X509(out, &certificate);
    fclose(out);
  }
  void write_key(const std::string& name, EVP_PKEY& key) const {
    FILE* out = fopen(file(name).c_str(), "w");
    fchmod(fileno(out), 0600);
    PEM_write_PrivateKey(out, &key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(out);
  }

  std::filesystem::path folder_;
  KeyPtr key_;
  CertificatePtr certificate_;
};

}  // namespace tidegate::net
