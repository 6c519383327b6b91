#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>

#include "auth/base64.h"
#include "auth/saslprep.h"
#include "auth/scram.h"
#include "auth/sha256.h"
#include "base/check.h"

namespace tidegate::auth {
namespace {

constexpr std::string_view kScheme = "SCRAM-SHA-256";
constexpr std::size_t kSaltBytes = 16;

// Cuts what stands before `separator` off `rest`.
std::optional<std::string_view> cut(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  if (at == rest.npos) return std::nullopt;
  const auto head = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return head;
}

std::optional<Digest> parse_digest(std::string_view base64) {
  const auto bytes = base64_decode(base64);
  Digest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

}  // namespace

std::expected<std::uint32_t, ScramError> parse_iterations(std::string_view text) {
  std::uint32_t iterations = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), iterations);
  if (end != text.data() + text.size()) return std::unexpected(ScramError::malformed);
  if (error == std::errc::result_out_of_range) return std::unexpected(ScramError::too_expensive);
  if (error != std::errc{} || iterations == 0) return std::unexpected(ScramError::malformed);
  if (iterations > kIterationsMax) return std::unexpected(ScramError::too_expensive);
  return iterations;
}

std::expected<ScramVerifier, ScramError> ScramVerifier::parse(std::string_view text) {
  const auto malformed = std::unexpected(ScramError::malformed);
  const auto scheme = cut(text, '$');
  const auto iterations_text = cut(text, ':');
  const auto salt_text = cut(text, '$');
  const auto stored_key_text = cut(text, ':');
  if (scheme != kScheme || !iterations_text || !salt_text || !stored_key_text) return malformed;

  const auto iterations = parse_iterations(*iterations_text);
  if (!iterations) return std::unexpected(iterations.error());
  auto salt = base64_decode(*salt_text);
  const auto stored_key = parse_digest(*stored_key_text);
  const auto server_key = parse_digest(text);
  if (!salt || salt->empty() || !stored_key || !server_key) return malformed;
  return ScramVerifier{*iterations, *std::move(salt), *stored_key, *server_key};
}

std::string ScramVerifier::text() const {
  std::string text(kScheme);
  text += '$' + std::to_string(iterations) + ':' + base64_encode(salt);
  text += '$' + base64_encode(stored_key) + ':' + base64_encode(server_key);
  return text;
}

Digest scram_salted_password(std::string_view password, Bytes salt, std::uint32_t iterations) {
  auto prepared = saslprep_or_raw(password);
  Digest salted;
  const int done =
      PKCS5_PBKDF2_HMAC(prepared.data(), static_cast<int>(prepared.size()), salt.data(),
                        static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                        static_cast<int>(salted.size()), salted.data());
  OPENSSL_cleanse(prepared.data(), prepared.size());
  TG_CHECK(done == 1);
  return salted;
}

Digest scram_client_key(const Digest& salted_password) {
  return Sha256().hmac(salted_password, {"Client Key"});
}

Digest scram_server_key(const Digest& salted_password) {
  return Sha256().hmac(salted_password, {"Server Key"});
}

ScramVerifier make_scram_verifier(std::string_view password, Bytes salt, std::uint32_t iterations) {
  auto salted = scram_salted_password(password, salt, iterations);
  auto client_key = scram_client_key(salted);
  ScramVerifier verifier{
      iterations, {salt.begin(), salt.end()}, Sha256().of(client_key), scram_server_key(salted)};
  OPENSSL_cleanse(salted.data(), salted.size());
  OPENSSL_cleanse(client_key.data(), client_key.size());
  return verifier;
}

ScramVerifier mock_scram_verifier(std::string_view user, const Digest& process_secret) {
  Sha256 sha256;
  const auto salt = sha256.hmac(process_secret, {"salt ", user});
  return {kIterationsDefault,
          {salt.begin(), salt.begin() + kSaltBytes},
          sha256.hmac(process_secret, {"stored key ", user}),
          sha256.hmac(process_secret, {"server key ", user})};
}

}  // namespace tidegate::auth
