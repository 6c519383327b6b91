#include "net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include <cstring>
#include <string_view>

#include "net/socket_options.h"
#include "net/tls_self_signed.h"

namespace tidegate::net {
namespace {

using Outcome = std::expected<void, std::string>;

std::unexpected<std::string> failure(std::string text) {
  return std::unexpected(std::move(text));
}

// As libpq judges it: a key that others may read is a key that others have. One owned by root may
// be readable by a group (Debian's ssl-cert).
Outcome check_key_permissions(const std::string& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) {
    return failure(fmt::format("key_file {}: {}", file, describe_error(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    return failure(fmt::format("key_file {}: not a regular file", file));
  }
  const mode_t forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((status.st_mode & forbidden) == 0) return {};
  return failure(fmt::format(
      "key_file {}: others can read it (mode {:04o}); it must be 0600, or 0640 if root owns it",
      file, status.st_mode & 07777));
}

Outcome load_certificate(SSL_CTX* ctx, const TlsSettings& settings) {
  if (settings.cert_file.empty() != settings.key_file.empty()) {
    return failure("cert_file and key_file go together: one of them is missing");
  }
  if (settings.cert_file.empty()) return {};
  if (auto checked = check_key_permissions(settings.key_file); !checked) return checked;
  if (SSL_CTX_use_certificate_chain_file(ctx, settings.cert_file.c_str()) != 1) {
    return failure(fmt::format("cert_file {}: {}", settings.cert_file, openssl_error()));
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, settings.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return failure(fmt::format("key_file {}: {}", settings.key_file, openssl_error()));
  }
  if (SSL_CTX_check_private_key(ctx) != 1) {
    return failure(
        fmt::format("key_file {}: not the key of {}", settings.key_file, settings.cert_file));
  }
  return {};
}

Outcome set_versions(SSL_CTX* ctx, const TlsSettings& settings) {
  const auto& version = settings.min_version;
  if (version != "1.2" && version != "1.3") {
    return failure(fmt::format("min_version {}: only 1.2 and 1.3 are allowed", version));
  }
  SSL_CTX_set_min_proto_version(ctx, version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(ctx, settings.ciphers.c_str()) != 1) {
    return failure(fmt::format("ciphers {}: {}", settings.ciphers, openssl_error()));
  }
  if (!settings.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(ctx, settings.ciphersuites.c_str()) != 1) {
    return failure(fmt::format("ciphersuites {}: {}", settings.ciphersuites, openssl_error()));
  }
  return {};
}

Outcome load_authorities(SSL_CTX* ctx, const TlsSettings& settings) {
  if (settings.ca_file == "system") {
    if (SSL_CTX_set_default_verify_paths(ctx) == 1) return {};
    return failure(fmt::format("ca_file system: {}", openssl_error()));
  }
  if (settings.ca_file.empty()) {
    return failure("certificates are to be verified, and ca_file does not say against what");
  }
  if (SSL_CTX_load_verify_file(ctx, settings.ca_file.c_str()) == 1) return {};
  return failure(fmt::format("ca_file {}: {}", settings.ca_file, openssl_error()));
}

int acknowledge_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
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

Outcome apply(SSL_CTX* ctx, const TlsSettings& settings, int verify_mode) {
  if (auto done = set_versions(ctx, settings); !done) return done;
  if (auto done = load_certificate(ctx, settings); !done) return done;
  if (!settings.verify_peer) return {};
  SSL_CTX_set_verify(ctx, verify_mode, nullptr);
  return load_authorities(ctx, settings);
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

std::expected<TlsContextRef, std::string> make_server_tls(const TlsSettings& settings) {
  if (settings.cert_file.empty()) return failure("a TLS listener needs cert_file and key_file");
  ERR_clear_error();
  auto context = make_context(TLS_server_method());
  const auto done =
      apply(context->ctx.get(), settings, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  if (!done) return failure(done.error());
  if (settings.verify_peer && settings.ca_file != "system") {
    SSL_CTX_set_client_CA_list(context->ctx.get(),
                               SSL_load_client_CA_file(settings.ca_file.c_str()));
  }
  set_up_server(*context);
  return context;
}

std::expected<TlsContextRef, std::string> make_client_tls(const TlsSettings& settings) {
  ERR_clear_error();
  auto context = make_context(TLS_client_method());
  const auto done = apply(context->ctx.get(), settings, SSL_VERIFY_PEER);
  if (!done) return failure(done.error());
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
