// What is known about users. The slow part, PBKDF2 of a cleartext secret, is done once per user
// off the workers and kept.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "auth/scram.h"
#include "config/config.h"
#include "proxy/census.h"
#include "session/secret.h"

namespace tidegate::proxy {

class Secrets {
 public:
  Secrets(const config::Config& config, const auth::Digest& process_secret);

  // The answer, when it needs no slow work. For an unknown user: the mock.
  std::optional<session::Secret> find(const std::string& user);
  // Of all who ask, one is to see to it that derive() is called for this user.
  bool claim_derivation(const std::string& user);
  // The slow work, for the offload threads; find() knows the answer afterwards. `salt`: 16 random
  // bytes.
  void derive(const std::string& user, Bytes salt);

  // Cleartext of `user`, for servers that are to be logged in to as the client's own user.
  std::string password(const std::string& user) const;
  // How many clients a known user has, and may have; null for others.
  struct Place {
    Gauge clients;
    int clients_max = 0;
  };
  Place* place(const std::string& user);

 private:
  struct Entry {
    config::User user;
    Place place;
    bool damaged = false;                 // the stored SCRAM key, see config::damage_of()
    std::optional<std::string> verifier;  // derived from a cleartext secret
    bool claimed = false;                 // somebody sees to that
  };
  session::Secret mock(const std::string& user) const;
  session::Secret mock_of_damaged(const std::string& user) const;
  session::Secret secret_of(const Entry& entry) const;
  bool wants_scram() const;

  config::AuthType auth_type_;
  auth::Digest process_secret_;
  mutable std::mutex lock_;
  std::map<std::string, Entry> users_;  // the set of users never changes; verifiers do, locked
};

}  // namespace tidegate::proxy
