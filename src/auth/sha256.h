// SHA-256 and HMAC-SHA-256 over pieces of text. libcrypto looks an algorithm up by name on every
// one-shot call, which costs more than hashing a short message; a Sha256 hashes as often as it is
// asked.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "auth/digest.h"
#include "base/bytes.h"

namespace tidegate::auth {

class Sha256 {
 public:
  Sha256();

  Digest of(Bytes message);
  // The HMAC of the pieces laid end to end. `key` is at most one block (64 bytes) long.
  Digest hmac(Bytes key, std::initializer_list<std::string_view> pieces);

 private:
  void restart(const std::array<std::uint8_t, 64>& pad);
  Digest finish();

  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace tidegate::auth
