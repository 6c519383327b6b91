#include "net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>
#include <tuple>

#include "net/socket_options.h"
#include "net/tls_self_signed.h"

namespace tidegate::net {
namespace {

using Troubles = std::vector<TlsTrouble>;

// Why the file cannot be read; nothing when it can.
std::optional<std::string> unreadable(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(std::fopen(file.c_str(), "re"),
                                                               &std::fclose);
  if (opened != nullptr) return std::nullopt;
  return fmt::format("`{}` cannot be read: {}", file, describe_error(errno));
}

// As libpq judges it: a key that others may read is a key that others have. One owned by root may
// be readable by a group (Debian's ssl-cert).
std::optional<std::string> open_to_others(const std::string& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) return std::nullopt;  // unreadable() says so
  if (!S_ISREG(status.st_mode)) return fmt::format("`{}` is not a regular file", file);
  const mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((status.st_mode & forbidden) == 0) return std::nullopt;
  return fmt::format("others can read `{}` (mode {:04o}); it must be 0600, or 0640 if root owns it",
                     file, status.st_mode & 07777);
}

void load_chain(SSL_CTX* ctx, const TlsSettings& settings, Troubles& troubles) {
  const auto& file = settings.cert_file;
  if (auto why = unreadable(file)) {
    troubles.push_back({"cert_file", std::move(*why)});
  } else if (SSL_CTX_use_certificate_chain_file(ctx, file.c_str()) != 1) {
    troubles.push_back({"cert_file", fmt::format("`{}` is no certificate in PEM form: {}", file,
                                                 openssl_error())});
  }
}

void load_key(SSL_CTX* ctx, const TlsSettings& settings, Troubles& troubles) {
  const auto& file = settings.key_file;
  auto why = open_to_others(file);
  if (!why) why = unreadable(file);
  if (!why && SSL_CTX_use_PrivateKey_file(ctx, file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const auto reason = openssl_error();
    why = SSL_CTX_get0_certificate(ctx) != nullptr && reason == "key values mismatch"
              ? fmt::format("`{}` is not the key of `{}`", file, settings.cert_file)
              : fmt::format("`{}` is no private key in PEM form: {}", file, reason);
  }
  if (why) troubles.push_back({"key_file", std::move(*why)});
}

void load_certificate(SSL_CTX* ctx, const TlsSettings& settings, Troubles& troubles) {
  const auto& [cert_file, key_file] = std::tie(settings.cert_file, settings.key_file);
  if (cert_file.empty() && key_file.empty()) return;
  if (cert_file.empty() || key_file.empty()) {
    return troubles.push_back({cert_file.empty() ? "cert_file" : "key_file",
                               "missing: cert_file and key_file go together"});
  }
  load_chain(ctx, settings, troubles);
  load_key(ctx, settings, troubles);
}

void set_versions(SSL_CTX* ctx, const TlsSettings& settings, Troubles& troubles) {
  const auto& version = settings.min_version;
  if (version != "1.2" && version != "1.3") {
    return troubles.push_back({"min_version", "only 1.2 and 1.3 are allowed, not " + version});
  }
  SSL_CTX_set_min_proto_version(ctx, version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  const auto& [ciphers, suites] = std::tie(settings.ciphers, settings.ciphersuites);
  if (!ciphers.empty() && SSL_CTX_set_cipher_list(ctx, ciphers.c_str()) != 1) {
    troubles.push_back({"ciphers", fmt::format("`{}`: {}", ciphers, openssl_error())});
  }
  if (!suites.empty() && SSL_CTX_set_ciphersuites(ctx, suites.c_str()) != 1) {
    troubles.push_back({"ciphersuites", fmt::format("`{}`: {}", suites, openssl_error())});
  }
}

void load_authorities(SSL_CTX* ctx, const TlsSettings& settings, Troubles& troubles) {
  const auto& file = settings.ca_file;
  if (file.empty()) {
    troubles.push_back(
        {"ca_file", "missing: certificates are to be verified, and it would say against what"});
  } else if (file == "system") {
    if (SSL_CTX_set_default_verify_paths(ctx) == 1) return;
    troubles.push_back({"ca_file", fmt::format("the system's own: {}", openssl_error())});
  } else if (auto why = unreadable(file)) {
    troubles.push_back({"ca_file", std::move(*why)});
  } else if (SSL_CTX_load_verify_file(ctx, file.c_str()) != 1) {
    troubles.push_back({"ca_file", fmt::format("`{}` holds no certificate in PEM form: {}", file,
                                               openssl_error())});
  }
}

int acknowledge_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

// "2026-11-21 23:00 UTC"
std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min);
}

// It is sent all the same: only some of those who see it look at it.
void check_dates(SSL_CTX* ctx, const TlsSettings& settings, Troubles& troubles) {
  const auto* own = SSL_CTX_get0_certificate(ctx);
  if (own == nullptr) return;
  constexpr std::string_view kWhoMinds = "whoever verifies it does not connect";
  const auto warn = [&](std::string_view what, const ASN1_TIME* time) {
    troubles.push_back(
        {"cert_file",
         fmt::format("`{}` {} {}: {}", settings.cert_file, what, date_of(time), kWhoMinds), true});
  };
  const auto* first = X509_get0_notBefore(own);
  const auto* last = X509_get0_notAfter(own);
  if (X509_cmp_current_time(first) > 0) warn("is not valid before", first);
  if (X509_cmp_current_time(last) < 0) warn("expired on", last);
}

// Direct TLS announces "postgresql"; whoever asks for something else came to the wrong door.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
  constexpr std::string_view kWanted = "postgresql";
  for (unsigned int at = 0; at < offered_length; at += offered[at] + 1u) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != kWanted) continue;
    *out = offered + at + 1;
    *out_length = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::shared_ptr<TlsContext> make_context(const SSL_METHOD* method) {
  auto context = std::make_shared<TlsContext>();
  context->ctx.reset(SSL_CTX_new(method));
  context->bio = make_session_bio();
  auto* ctx = context->ctx.get();
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Buffers only while a record is under way: 34 kB less for each idle connection.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

void set_up_server(TlsContext& context) {
  auto* ctx = context.ctx.get();
  // Sessions live in the tickets that clients hold, not here; one ticket is enough to resume.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 1);
  constexpr unsigned char kSessionContext[] = "tidegate";
  SSL_CTX_set_session_id_context(ctx, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge_name);
  SSL_CTX_set_alpn_select_cb(ctx, select_protocol, nullptr);
  if (const auto* own = SSL_CTX_get0_certificate(ctx)) {
    context.channel_binding = channel_binding_of(*own);
  }
}

Troubles apply(SSL_CTX* ctx, const TlsSettings& settings, int verify_mode) {
  ERR_clear_error();
  Troubles troubles;
  // A key with a passphrase would ask for it on the terminal.
  SSL_CTX_set_default_passwd_cb(ctx, [](char*, int, int, void*) { return 0; });
  set_versions(ctx, settings, troubles);
  load_certificate(ctx, settings, troubles);
  if (!settings.verify_peer) return troubles;
  SSL_CTX_set_verify(ctx, verify_mode, nullptr);
  load_authorities(ctx, settings, troubles);
  return troubles;
}

Troubles check(SSL_CTX* ctx, const TlsSettings& settings, int verify_mode) {
  auto troubles = apply(ctx, settings, verify_mode);
  check_dates(ctx, settings, troubles);
  return troubles;
}

constexpr int kVerifyClients = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

std::unexpected<std::string> failure(std::string text) {
  return std::unexpected(std::move(text));
}
std::unexpected<std::string> failure(const TlsTrouble& trouble) {
  return failure(fmt::format("{}: {}", trouble.setting, trouble.text));
}

}  // namespace

std::string openssl_error() {
  const auto code = ERR_peek_last_error();
  std::string text = "no details";
  if (const char* reason = ERR_reason_error_string(code)) {
    text = reason;
  } else if (ERR_SYSTEM_ERROR(code)) {
    text = describe_error(ERR_GET_REASON(code));
  }
  ERR_clear_error();
  return text;
}

std::vector<std::uint8_t> channel_binding_of(const X509& certificate) {
  int hash = NID_undef;
  auto* mutable_certificate = const_cast<X509*>(&certificate);  // OpenSSL caches inside
  if (X509_get_signature_info(mutable_certificate, &hash, nullptr, nullptr, nullptr) != 1)
    return {};
  if (hash == NID_md5 || hash == NID_sha1) hash = NID_sha256;
  const auto* digest = EVP_get_digestbynid(hash);
  if (digest == nullptr) return {};
  std::vector<std::uint8_t> out(EVP_MAX_MD_SIZE);
  unsigned int length = 0;
  if (X509_digest(&certificate, digest, out.data(), &length) != 1) return {};
  out.resize(length);
  return out;
}

std::vector<TlsTrouble> check_server_tls(const TlsSettings& settings) {
  return check(make_context(TLS_server_method())->ctx.get(), settings, kVerifyClients);
}

std::vector<TlsTrouble> check_client_tls(const TlsSettings& settings) {
  return check(make_context(TLS_client_method())->ctx.get(), settings, SSL_VERIFY_PEER);
}

std::expected<TlsContextRef, std::string> make_server_tls(const TlsSettings& settings) {
  if (settings.cert_file.empty()) return failure("a TLS listener needs cert_file and key_file");
  auto context = make_context(TLS_server_method());
  const auto troubles = apply(context->ctx.get(), settings, kVerifyClients);
  if (!troubles.empty()) return failure(troubles.front());
  if (settings.verify_peer && settings.ca_file != "system") {
    SSL_CTX_set_client_CA_list(context->ctx.get(),
                               SSL_load_client_CA_file(settings.ca_file.c_str()));
  }
  set_up_server(*context);
  return context;
}

std::expected<TlsContextRef, std::string> make_client_tls(const TlsSettings& settings) {
  auto context = make_context(TLS_client_method());
  const auto troubles = apply(context->ctx.get(), settings, SSL_VERIFY_PEER);
  if (!troubles.empty()) return failure(troubles.front());
  context->verify_name = settings.verify_name;
  return context;
}

std::expected<TlsContextRef, std::string> make_self_signed_tls(const std::string& common_name) {
  ERR_clear_error();
  auto context = make_context(TLS_server_method());
  auto* ctx = context->ctx.get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  const auto key = make_p256_key();
  const auto certificate = key ? make_self_signed(*key, common_name) : nullptr;
  if (certificate == nullptr || SSL_CTX_use_certificate(ctx, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(ctx, key.get()) != 1) {
    return failure(
        fmt::format("cannot make a certificate for {}: {}", common_name, openssl_error()));
  }
  set_up_server(*context);
  return context;
}

}  // namespace tidegate::net
