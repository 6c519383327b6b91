#include "auth/md5.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace tidegate::auth {
namespace {

constexpr std::size_t kHexDigits = 32;

std::string md5_hex(std::string_view head, std::string_view tail) {
  std::string message(head);
  message += tail;
  std::array<std::uint8_t, 16> digest;
  const bool hashed =
      EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_md5(), nullptr) == 1;
  OPENSSL_cleanse(message.data(), message.size());
  if (!hashed) return {};

  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex = "md5";
  for (const auto byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

std::string md5_stored(std::string_view user, std::string_view password) {
  return md5_hex(password, user);
}

std::string md5_response(std::string_view stored, Bytes salt) {
  if (secret_form(stored) != SecretForm::md5) return {};
  return md5_hex(stored.substr(3), as_text(salt));
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

SecretForm secret_form(std::string_view stored) {
  if (stored.starts_with("SCRAM-SHA-256$")) return SecretForm::scram;
  const bool md5 = stored.starts_with("md5") && stored.size() == 3 + kHexDigits &&
                   std::ranges::all_of(stored.substr(3), is_hex_digit);
  return md5 ? SecretForm::md5 : SecretForm::cleartext;
}

}  // namespace tidegate::auth
