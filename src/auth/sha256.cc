#include "auth/sha256.h"

#include <openssl/crypto.h>

#include "base/check.h"

namespace tidegate::auth {

namespace {

// Looked up once for the whole process: it never changes, and looking up takes locks.
const EVP_MD* algorithm() {
  static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return found;
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  TG_CHECK(context_ != nullptr && algorithm() != nullptr);
  TG_CHECK(EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) == 1);
}

Digest Sha256::finish() {
  Digest digest;
  TG_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  return digest;
}

Digest Sha256::of(Bytes message) {
  EVP_DigestInit_ex(context_.get(), nullptr, nullptr);
  EVP_DigestUpdate(context_.get(), message.data(), message.size());
  return finish();
}

void Sha256::restart(const std::array<std::uint8_t, 64>& pad) {
  EVP_DigestInit_ex(context_.get(), nullptr, nullptr);
  EVP_DigestUpdate(context_.get(), pad.data(), pad.size());
}

// RFC 2104: H(key ^ opad, H(key ^ ipad, message)).
Digest Sha256::hmac(Bytes key, std::initializer_list<std::string_view> pieces) {
  std::array<std::uint8_t, 64> pad{};
  TG_CHECK(key.size() <= pad.size());
  std::copy(key.begin(), key.end(), pad.begin());

  for (auto& byte : pad) byte ^= 0x36;
  restart(pad);
  for (const auto piece : pieces) {
    EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
  }
  const auto inner = finish();

  for (auto& byte : pad) byte ^= 0x36 ^ 0x5c;
  restart(pad);
  EVP_DigestUpdate(context_.get(), inner.data(), inner.size());
  OPENSSL_cleanse(pad.data(), pad.size());
  return finish();
}

}  // namespace tidegate::auth
