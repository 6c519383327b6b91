// TLS as the rest of the house sees it: contexts are made from settings when the process starts or
// reloads, connections are upgraded through the reactor, and what became of it comes back as a
// TlsInfo. Everything OpenSSL stays behind this header.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::net {

// libpq's sslmodes, for both sides. On the listening side: disable = never, allow/prefer = if the
// client asks, require = or be refused, verify-* = with a client certificate.
enum class SslMode : std::uint8_t { disable, allow, prefer, require, verify_ca, verify_full };

struct TlsSettings {
  std::string cert_file;
  std::string key_file;
  std::string ca_file;  // "system" = the system's own store
  std::string min_version = "1.2";
  std::string ciphers;       // TLS 1.2, OpenSSL's syntax; empty = default
  std::string ciphersuites;  // TLS 1.3
  bool verify_peer = false;  // client side: verify-ca and up; server side: ask for a certificate
  bool verify_name = false;  // verify-full
  bool operator==(const TlsSettings&) const = default;
};

// What is wrong with one of the settings above, by its name.
struct TlsTrouble {
  std::string_view setting;
  std::string text;
  bool usable = false;  // all the same; but the other side may mind
};
// Everything that keeps these settings from being used, what the functions below would say first
// and the rest; and a certificate that is not valid today, which keeps none of them.
std::vector<TlsTrouble> check_server_tls(const TlsSettings& settings);
std::vector<TlsTrouble> check_client_tls(const TlsSettings& settings);

class TlsContext;  // shared by all workers; opaque
using TlsContextRef = std::shared_ptr<TlsContext>;

// The error names the file and what is wrong with it.
std::expected<TlsContextRef, std::string> make_server_tls(const TlsSettings& settings);
std::expected<TlsContextRef, std::string> make_client_tls(const TlsSettings& settings);
// A self-signed certificate (ECDSA P-256) made in memory, for a listener that was given none.
std::expected<TlsContextRef, std::string> make_self_signed_tls(const std::string& common_name);

struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string sni;
  std::string alpn;
  std::string peer_common_name;
  std::vector<std::uint8_t> channel_binding;  // tls-server-end-point hash of the server certificate
};

}  // namespace tidegate::net
