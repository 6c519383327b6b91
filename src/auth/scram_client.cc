#include <openssl/crypto.h>

#include "auth/base64.h"
#include "auth/scram.h"
#include "auth/scram_text.h"
#include "auth/sha256.h"

namespace tidegate::auth {

ScramClient::ScramClient(Bytes channel_binding, bool use_plus)
    : channel_binding_(channel_binding.begin(), channel_binding.end()), use_plus_(use_plus) {}

ScramClient::~ScramClient() {
  OPENSSL_cleanse(server_signature_.data(), server_signature_.size());
}

std::string_view ScramClient::gs2_header() const {
  if (use_plus_) return kGs2Plus;
  return channel_binding_.empty() ? kGs2None : kGs2NotOffered;
}

std::string ScramClient::first(Bytes nonce) {
  nonce_ = base64_encode(nonce);
  client_first_bare_ = "n=,r=" + nonce_;
  return std::string(gs2_header()) + client_first_bare_;
}

std::expected<ScramClient::Challenge, ScramError> ScramClient::challenge(
    std::string_view server_first) {
  const auto malformed = std::unexpected(ScramError::malformed);
  if (server_first.size() > kScramMessageBytesMax) return malformed;
  if (server_first.starts_with("m=")) return std::unexpected(ScramError::unsupported);

  AttributeReader reader(server_first);
  const auto nonce = reader.value_of('r');
  if (!nonce || !is_printable(*nonce)) return malformed;
  if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) {
    return std::unexpected(ScramError::wrong_nonce);
  }
  const auto salt_text = reader.value_of('s');
  const auto iterations_text = reader.value_of('i');
  if (!salt_text || !iterations_text || !reader.finished()) return malformed;
  auto salt = base64_decode(*salt_text);
  if (!salt || salt->empty()) return malformed;
  const auto iterations = parse_iterations(*iterations_text);
  if (!iterations) return std::unexpected(iterations.error());

  nonce_ = *nonce;
  server_first_ = server_first;
  return Challenge{*std::move(salt), *iterations};
}

std::string ScramClient::final(const Digest& client_key, const Digest& server_key) {
  std::string bound(gs2_header());
  if (use_plus_) bound += as_text(channel_binding_);
  const auto without_proof = "c=" + base64_encode(as_bytes(bound)) + ",r=" + nonce_;
  const auto message = auth_message(client_first_bare_, server_first_, without_proof);

  Sha256 sha256;
  const auto stored_key = sha256.of(client_key);
  auto proof = sha256.hmac(stored_key, {message});
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] ^= client_key[i];
  server_signature_ = sha256.hmac(server_key, {message});
  proved_ = true;
  return without_proof + ",p=" + base64_encode(proof);
}

std::expected<void, ScramError> ScramClient::verify(std::string_view server_final) {
  AttributeReader reader(server_final);
  const auto result = reader.any();
  if (!proved_ || !result || !reader.finished()) return std::unexpected(ScramError::malformed);
  if (result->name == 'e') return std::unexpected(ScramError::wrong_proof);
  const auto signature = base64_decode(result->value);
  if (result->name != 'v' || !signature || signature->size() != server_signature_.size()) {
    return std::unexpected(ScramError::malformed);
  }
  if (CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) != 0) {
    return std::unexpected(ScramError::wrong_proof);
  }
  return {};
}

}  // namespace tidegate::auth
