#include "proxy/secrets.h"

#include <utility>

#include "auth/md5.h"
#include "base/wipe.h"
#include "config/complete.h"

namespace tidegate::proxy {

Secrets::Secrets(const config::Config& config, const auth::Digest& process_secret)
    : auth_type_(config.auth_type), process_secret_(process_secret) {
  for (const auto& user : config.users) {
    auto& entry = users_[user.name];
    entry.user = user;
    entry.place.clients_max = user.clients_max;
    entry.damaged = config::damage_of(user).has_value();
  }
}

bool Secrets::wants_scram() const {
  return auth_type_ == config::AuthType::scram_sha_256 ||
         auth_type_ == config::AuthType::any_stored;
}

session::Secret Secrets::mock(const std::string& user) const {
  session::Secret secret;
  if (wants_scram()) {
    secret.scram_verifier = auth::mock_scram_verifier(user, process_secret_).text();
  } else if (auth_type_ == config::AuthType::md5) {
    secret.md5 = auth::md5_stored(user, auth::mock_scram_verifier(user, process_secret_).text());
  }
  return secret;
}

// A stranger must not learn that there is such a user: it is asked for a proof, and no proof is
// right.
session::Secret Secrets::mock_of_damaged(const std::string& user) const {
  auto secret = mock(user);
  secret.damaged = true;
  return secret;
}

session::Secret Secrets::secret_of(const Entry& entry) const {
  session::Secret secret;
  secret.known = true;
  secret.trust = entry.user.trust || auth_type_ == config::AuthType::trust ||
                 auth_type_ == config::AuthType::anyone;
  switch (auth::secret_form(entry.user.secret)) {
    case auth::SecretForm::scram:
      secret.scram_verifier = entry.user.secret;
      break;
    case auth::SecretForm::md5:
      secret.md5 = entry.user.secret;
      break;
    case auth::SecretForm::cleartext:
      secret.password = entry.user.secret;
      if (wants_scram()) secret.scram_verifier = entry.verifier.value_or("");
      if (auth_type_ == config::AuthType::md5) {
        secret.md5 = auth::md5_stored(entry.user.name, entry.user.secret);
      }
      break;
  }
  return secret;
}

std::optional<session::Secret> Secrets::find(const std::string& user) {
  const std::scoped_lock hold(lock_);
  const auto found = users_.find(user);
  if (found == users_.end()) {
    if (auth_type_ == config::AuthType::anyone)
      return session::Secret{.known = true, .trust = true};
    return mock(user);
  }
  auto secret = secret_of(found->second);
  if (found->second.damaged && !secret.trust) return mock_of_damaged(user);
  const bool slow =
      !secret.trust && wants_scram() && !secret.password.empty() && secret.scram_verifier.empty();
  if (slow) return std::nullopt;
  return secret;
}

bool Secrets::claim_derivation(const std::string& user) {
  const std::scoped_lock hold(lock_);
  return !std::exchange(users_.at(user).claimed, true);
}

void Secrets::derive(const std::string& user, Bytes salt) {
  auto cleartext = password(user);
  auto verifier = auth::make_scram_verifier(cleartext, salt, auth::kIterationsDefault).text();
  wipe(cleartext);
  const std::scoped_lock hold(lock_);
  users_.at(user).verifier = std::move(verifier);
}

std::string Secrets::password(const std::string& user) const {
  const std::scoped_lock hold(lock_);
  const auto found = users_.find(user);
  if (found == users_.end()) return {};
  const auto& secret = found->second.user.secret;
  return auth::secret_form(secret) == auth::SecretForm::cleartext ? secret : std::string{};
}

Secrets::Place* Secrets::place(const std::string& user) {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second.place;
}

}  // namespace tidegate::proxy
