// For tests: a certificate authority in a temporary folder, and what it signs.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "net/tls_self_signed.h"

namespace tidegate::net {

class TestAuthority {
 public:
  TestAuthority() {
    char name[] = "/tmp/tidegate_tls_XXXXXX";
    folder_ = mkdtemp(name);
    key_ = make_p256_key();
    certificate_ = make_self_signed(*key_, "test authority");
    write_certificate("ca.crt", *certificate_);
  }
  ~TestAuthority() { std::filesystem::remove_all(folder_); }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  std::string file(const std::string& name) const { return folder_ / name; }
  std::string ca_file() const { return file("ca.crt"); }

  // Writes NAME.crt and NAME.key; `subject` as in "DNS:db.example.com" or "IP:127.0.0.1".
  TlsSettings issue(const std::string& name, const std::string& subject,
                    const EVP_MD* hash = EVP_sha256()) const {
    const auto key = make_p256_key();
    const CertificatePtr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject.c_str());
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key_.get(), hash);
    write_certificate(name + ".crt", *certificate);
    write_key(name + ".key", *key);
    return {.cert_file = file(name + ".crt"), .key_file = file(name + ".key")};
  }

 private:
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
