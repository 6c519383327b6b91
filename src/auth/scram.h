// SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it, both sides, with and without channel
// binding (tls-server-end-point). Step machines: a message in, a message out; no clock, no
// randomness of their own, secrets wiped when they go.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "auth/digest.h"
#include "base/bytes.h"

namespace tidegate::auth {

enum class ScramError : std::uint8_t {
  malformed,    // does not follow the grammar
  wrong_proof,  // the other side does not know the password
  wrong_nonce,
  binding_mismatch,  // channel binding data differ, or a downgrade was tried
  too_expensive,     // an iteration count beyond kIterationsMax
  unsupported,       // an extension marked mandatory, an unknown binding type
};

inline constexpr std::uint32_t kIterationsDefault = 4096;
inline constexpr std::uint32_t kIterationsMax = 1'000'000;
// PostgreSQL reads no longer message either (PG_MAX_SASL_MESSAGE_LENGTH).
inline constexpr std::size_t kScramMessageBytesMax = 1024;

// The count in a verifier or a challenge: 1 to kIterationsMax, beyond that too_expensive.
std::expected<std::uint32_t, ScramError> parse_iterations(std::string_view text);

// What a server stores: "SCRAM-SHA-256$<iterations>:<salt b64>$<StoredKey b64>:<ServerKey b64>".
struct ScramVerifier {
  std::uint32_t iterations = kIterationsDefault;
  std::vector<std::uint8_t> salt;
  Digest stored_key{};
  Digest server_key{};

  static std::expected<ScramVerifier, ScramError> parse(std::string_view text);
  std::string text() const;
};

// The slow part: PBKDF2 over `iterations` rounds. SASLprep is applied as PostgreSQL does (a
// password that cannot be prepared is used as it is).
Digest scram_salted_password(std::string_view password, Bytes salt, std::uint32_t iterations);
Digest scram_client_key(const Digest& salted_password);
Digest scram_server_key(const Digest& salted_password);
ScramVerifier make_scram_verifier(std::string_view password, Bytes salt, std::uint32_t iterations);
// For a user that does not exist: a verifier that is the same each time (salt from an HMAC over
// the name with a secret of the process) and that no password fits.
ScramVerifier mock_scram_verifier(std::string_view user, const Digest& process_secret);

// The server's side: we ask, the client proves.
class ScramServer {
 public:
  // `channel_binding` empty: SCRAM-SHA-256-PLUS was not offered.
  // `plus_chosen`: the client chose SCRAM-SHA-256-PLUS.
  ScramServer(ScramVerifier verifier, Bytes channel_binding, bool plus_chosen);
  ~ScramServer();
  ScramServer(ScramServer&&) = default;
  ScramServer& operator=(ScramServer&&) = default;

  // client-first-message in, server-first-message out. `nonce` is 18 bytes of entropy.
  std::expected<std::string, ScramError> first(std::string_view client_first, Bytes nonce);
  // client-final-message in, server-final-message out; wrong_proof when the password is wrong.
  std::expected<std::string, ScramError> final(std::string_view client_final);
  // After final(): the ClientKey that the proof gave away (for pass-through later).
  const Digest& client_key() const { return client_key_; }

 private:
  std::expected<std::string_view, ScramError> read_gs2_header(std::string_view client_first);
  std::expected<void, ScramError> check_proof(std::string_view proof_text,
                                              std::string_view message);

  ScramVerifier verifier_;
  std::vector<std::uint8_t> channel_binding_;
  bool plus_chosen_;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
  std::string nonce_;
  Digest client_key_{};
};

// The client's side: a database asks, we prove.
class ScramClient {
 public:
  // `channel_binding` not empty and `use_plus`: SCRAM-SHA-256-PLUS. Not empty without use_plus:
  // "y" flag (we could, the server did not offer). Empty: "n".
  ScramClient(Bytes channel_binding, bool use_plus);
  ~ScramClient();
  ScramClient(ScramClient&&) = default;
  ScramClient& operator=(ScramClient&&) = default;

  // `nonce` is 18 bytes of entropy. The user name is left empty, as PostgreSQL expects.
  std::string first(Bytes nonce);
  // server-first-message in; salt and iterations for the keys out.
  struct Challenge {
    std::vector<std::uint8_t> salt;
    std::uint32_t iterations = 0;
  };
  std::expected<Challenge, ScramError> challenge(std::string_view server_first);
  // client-final-message, once the keys are there.
  std::string final(const Digest& client_key, const Digest& server_key);
  // server-final-message in: does the server know the password too?
  std::expected<void, ScramError> verify(std::string_view server_final);

 private:
  std::string_view gs2_header() const;

  std::vector<std::uint8_t> channel_binding_;
  bool use_plus_;
  std::string client_first_bare_;
  std::string server_first_;
  std::string nonce_;
  Digest server_signature_{};
  bool proved_ = false;  // final() was called, so server_signature_ means something
};

}  // namespace tidegate::auth
