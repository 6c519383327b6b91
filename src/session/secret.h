// What is stored about a user, as the login conversations need it. Whoever answers need_secret()
// has done the slow part (PBKDF2 of a cleartext secret) before, away from the workers.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/wipe.h"

namespace tidegate::session {

// Copies live as long as one login, and leave nothing behind.
struct Secret {
  bool known = false;          // false: an unknown user; `scram_verifier` is then a convincing mock
  bool damaged = false;        // one is stored and cannot be used: the mock stands for it
  bool trust = false;          // the configuration says in so many words that no password is asked
  std::string password;        // cleartext, when that is what is stored
  std::string md5;             // "md5" + 32 hex digits, when it is stored or can be computed
  std::string scram_verifier;  // "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>"

  ~Secret() {
    wipe(password);
    wipe(md5);
    wipe(scram_verifier);
  }
};

// What a SCRAM client needs instead of a password; made once per (password, salt, iterations).
struct ScramKeys {
  std::array<std::uint8_t, 32> client_key{};
  std::array<std::uint8_t, 32> server_key{};
};

}  // namespace tidegate::session
