#include <openssl/crypto.h>

#include "auth/base64.h"
#include "auth/scram.h"
#include "auth/scram_text.h"
#include "auth/sha256.h"

namespace tidegate::auth {

ScramServer::ScramServer(ScramVerifier verifier, Bytes channel_binding, bool plus_chosen)
    : verifier_(std::move(verifier)),
      channel_binding_(channel_binding.begin(), channel_binding.end()),
      plus_chosen_(plus_chosen) {}

ScramServer::~ScramServer() {
  OPENSSL_cleanse(verifier_.stored_key.data(), verifier_.stored_key.size());
  OPENSSL_cleanse(verifier_.server_key.data(), verifier_.server_key.size());
  OPENSSL_cleanse(client_key_.data(), client_key_.size());
}

// RFC 5802 section 7, gs2-header: what the client thinks of channel binding must agree with the
// mechanism it chose and with what was offered to it. Gives back client-first-message-bare.
std::expected<std::string_view, ScramError> ScramServer::read_gs2_header(
    std::string_view client_first) {
  const auto refuse = [](ScramError error) { return std::unexpected(error); };
  const auto flag_end = client_first.find(',');
  if (flag_end == client_first.npos) return refuse(ScramError::malformed);
  const auto flag = client_first.substr(0, flag_end);
  const auto rest = client_first.substr(flag_end + 1);

  const bool binds = flag.starts_with("p=");
  if (!binds && flag != "n" && flag != "y") return refuse(ScramError::malformed);
  if (binds != plus_chosen_) return refuse(ScramError::malformed);
  gs2_header_ = std::string(flag) + ",,";
  if (binds && gs2_header_ != kGs2Plus) return refuse(ScramError::unsupported);
  // "y" says that we offered no binding. When we did, somebody in between hid the offer.
  if (flag == "y" && !channel_binding_.empty()) return refuse(ScramError::binding_mismatch);
  if (rest.starts_with("a=")) return refuse(ScramError::unsupported);  // authorization identity
  if (!rest.starts_with(',')) return refuse(ScramError::malformed);
  return rest.substr(1);
}

std::expected<std::string, ScramError> ScramServer::first(std::string_view client_first,
                                                          Bytes nonce) {
  if (client_first.size() > kScramMessageBytesMax || client_first.find('\0') != client_first.npos) {
    return std::unexpected(ScramError::malformed);
  }
  const auto bare = read_gs2_header(client_first);
  if (!bare) return std::unexpected(bare.error());
  if (bare->starts_with("m=")) return std::unexpected(ScramError::unsupported);

  AttributeReader reader(*bare);
  const auto user = reader.value_of('n');  // ignored: the startup packet named the user
  const auto client_nonce = reader.value_of('r');
  if (!user || !client_nonce || client_nonce->empty() || !is_printable(*client_nonce)) {
    return std::unexpected(ScramError::malformed);
  }
  while (!reader.finished()) {  // optional extensions, all unknown
    if (!reader.any()) return std::unexpected(ScramError::malformed);
  }

  client_first_bare_ = *bare;
  nonce_ = std::string(*client_nonce) + base64_encode(nonce);
  server_first_ = "r=" + nonce_ + ",s=" + base64_encode(verifier_.salt) +
                  ",i=" + std::to_string(verifier_.iterations);
  return server_first_;
}

std::expected<std::string, ScramError> ScramServer::final(std::string_view client_final) {
  const bool asked = !server_first_.empty();
  if (!asked || client_final.size() > kScramMessageBytesMax) {
    return std::unexpected(ScramError::malformed);
  }
  AttributeReader reader(client_final);
  const auto binding = reader.value_of('c');
  if (!binding) return std::unexpected(ScramError::malformed);
  const auto bound = gs2_header_ + (plus_chosen_ ? std::string(as_text(channel_binding_)) : "");
  if (*binding != base64_encode(as_bytes(bound))) {
    return std::unexpected(ScramError::binding_mismatch);
  }
  const auto nonce = reader.value_of('r');
  if (!nonce) return std::unexpected(ScramError::malformed);
  if (*nonce != nonce_) return std::unexpected(ScramError::wrong_nonce);

  auto attribute = reader.any();
  while (attribute && attribute->name != 'p') attribute = reader.any();
  if (!attribute || !reader.finished()) return std::unexpected(ScramError::malformed);
  const auto message =
      auth_message(client_first_bare_, server_first_, client_final.substr(0, attribute->at - 1));
  const auto proven = check_proof(attribute->value, message);
  if (!proven) return std::unexpected(proven.error());
  return "v=" + base64_encode(Sha256().hmac(verifier_.server_key, {message}));
}

// Section 3: ClientProof is ClientKey ^ HMAC(StoredKey, AuthMessage), and StoredKey is
// H(ClientKey).
std::expected<void, ScramError> ScramServer::check_proof(std::string_view proof_text,
                                                         std::string_view message) {
  const auto proof = base64_decode(proof_text);
  if (!proof || proof->size() != client_key_.size()) return std::unexpected(ScramError::malformed);
  Sha256 sha256;
  Digest client_key = sha256.hmac(verifier_.stored_key, {message});
  for (std::size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= (*proof)[i];

  const auto stored_key = sha256.of(client_key);
  const bool proven =
      CRYPTO_memcmp(stored_key.data(), verifier_.stored_key.data(), stored_key.size()) == 0;
  if (proven) client_key_ = client_key;
  OPENSSL_cleanse(client_key.data(), client_key.size());
  if (!proven) return std::unexpected(ScramError::wrong_proof);
  return {};
}

}  // namespace tidegate::auth
