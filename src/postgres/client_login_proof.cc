// The second half of a client's login: which proof it is asked for, and whether the proof is right.
// A user that does not exist goes through the same messages as one with a wrong password.
#include <fmt/format.h>

#include "auth/md5.h"
#include "postgres/client_login.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kPasswordBytesMax = 64 * 1024;  // some "passwords" are signed tokens
constexpr std::size_t kSaslBytesMax = 8 * 1024;
constexpr std::size_t kNonceBytes = 18;  // as PostgreSQL's

}  // namespace

void ClientLogin::secret_found(const session::Secret& secret, const session::Turn& turn) {
  if (state_ != State::awaiting_secret) return;
  secret_ = secret;
  if (secret_.known && secret_.trust) return admit();
  if (!secret_.scram_verifier.empty()) return ask_for_sasl();
  if (!secret_.md5.empty()) return ask_for_md5(turn);
  ask_for_cleartext();
}

// tls-server-end-point, when there is TLS and its certificate has one.
Bytes ClientLogin::channel_binding() const {
  return tls_ ? Bytes(tls_->channel_binding) : Bytes{};
}

void ClientLogin::ask_for_sasl() {
  auto verifier = auth::ScramVerifier::parse(secret_.scram_verifier);
  if (!verifier) return refuse(Reason::auth_method_unusable, "the stored SCRAM secret is damaged");
  verifier_ = std::move(*verifier);
  state_ = State::sasl_first;
  ByteBuffer out;
  write_authentication_sasl(out, !channel_binding().empty());
  port_.to_client(out);
}

void ClientLogin::ask_for_md5(const session::Turn& turn) {
  turn.entropy.fill(salt_);
  state_ = State::md5_response;
  ByteBuffer out;
  write_authentication_md5(out, salt_);
  port_.to_client(out);
}

void ClientLogin::ask_for_cleartext() {
  if (!tls_ && !port_.cleartext_password_allowed()) return refuse(Reason::cleartext_forbidden);
  state_ = State::cleartext_response;
  ByteBuffer out;
  write_authentication_cleartext(out);
  port_.to_client(out);
}

std::size_t ClientLogin::take_proof(Bytes bytes, const session::Turn& turn) {
  using Progress = MessageGatherer::Progress;
  const auto limit = state_ == State::cleartext_response ? kPasswordBytesMax : kSaslBytesMax;
  std::size_t taken = 0;
  const auto progress = message_.take(bytes, limit, taken);
  if (message_.type() != 'p') {
    refuse(Reason::protocol_violation, "a password message was expected");
    return taken;
  }
  switch (progress) {
    case Progress::need_more:
      break;
    case Progress::malformed:
      refuse(Reason::protocol_violation, "a bad length");
      break;
    case Progress::too_large:
      refuse(Reason::message_too_large, fmt::format("a password may have {} bytes", limit));
      break;
    case Progress::complete:
      proof_arrived(message_.body(), turn);
      message_.clear();
      break;
  }
  return taken;
}

void ClientLogin::proof_arrived(Bytes body, const session::Turn& turn) {
  switch (state_) {
    case State::sasl_first:
      return sasl_first_arrived(body, turn);
    case State::sasl_final:
      return sasl_final_arrived(body);
    case State::md5_response:
      return md5_arrived(body);
    case State::cleartext_response:
      return cleartext_arrived(body);
    default:
      return;
  }
}

// SASLInitialResponse: the mechanism, then a counted client-first-message.
void ClientLogin::sasl_first_arrived(Bytes body, const session::Turn& turn) {
  ByteReader reader(body);
  const auto mechanism = reader.cstring();
  const auto client_first = as_text(reader.bytes(reader.be32()));
  if (!reader.finished()) {
    return refuse(Reason::protocol_violation, "a malformed SASLInitialResponse");
  }
  const auto binding = channel_binding();
  const bool plus = mechanism == kScramPlus;
  if (plus ? binding.empty() : mechanism != kScram) {
    return refuse(Reason::protocol_violation, "the SASL mechanism was not offered");
  }
  scram_ = std::make_unique<auth::ScramServer>(std::move(verifier_), binding, plus);
  std::array<std::uint8_t, kNonceBytes> nonce;
  turn.entropy.fill(nonce);
  const auto server_first = scram_->first(client_first, nonce);
  if (!server_first) return refuse_scram(server_first.error());
  state_ = State::sasl_final;
  ByteBuffer out;
  write_authentication_sasl_continue(out, *server_first);
  port_.to_client(out);
}

void ClientLogin::sasl_final_arrived(Bytes body) {
  const auto server_final = scram_->final(as_text(body));
  if (!server_final) return refuse_scram(server_final.error());
  if (!secret_.known) return password_checked(false);
  ByteBuffer out;
  write_authentication_sasl_final(out, *server_final);
  port_.to_client(out);
  admit();
}

void ClientLogin::md5_arrived(Bytes body) {
  std::string_view given;
  if (!password_given(body, given)) return;
  const auto expected = auth::md5_response(secret_.md5, salt_);
  password_checked(auth::equal_in_constant_time(given, expected));
}

void ClientLogin::cleartext_arrived(Bytes body) {
  std::string_view given;
  if (!password_given(body, given)) return;
  password_checked(auth::equal_in_constant_time(given, secret_.password));
}

// PasswordMessage: one text and nothing after it. An empty password is no password, whatever is
// stored.
bool ClientLogin::password_given(Bytes body, std::string_view& password) {
  ByteReader reader(body);
  password = reader.cstring();
  if (!reader.finished()) {
    refuse(Reason::protocol_violation, "a malformed password message");
  } else if (password.empty()) {
    refuse(Reason::no_password, fmt::format("user \"{}\"", startup_.user));
  } else {
    return true;
  }
  return false;
}

void ClientLogin::password_checked(bool right) {
  if (right && secret_.known) return admit();
  refuse(Reason::wrong_password, fmt::format("user \"{}\"", startup_.user));
}

void ClientLogin::admit() {
  destination_ = port_.admit(startup_.user, startup_.database);
  if (destination_.refusal != Reason::none) {
    return refuse(destination_.refusal, destination_.refusal_detail);
  }
  forget_secrets();
  state_ = State::admitted;
  ByteBuffer out;
  write_authentication_ok(out);
  port_.to_client(out);
}

void ClientLogin::refuse_scram(auth::ScramError error) {
  using auth::ScramError;
  switch (error) {
    case ScramError::wrong_proof:
      return password_checked(false);
    case ScramError::binding_mismatch:
      return refuse(Reason::protocol_violation,
                    "the channel binding does not match: somebody may stand in between");
    case ScramError::wrong_nonce:
      return refuse(Reason::protocol_violation, "SCRAM: not the nonce that was sent");
    case ScramError::unsupported:
      return refuse(Reason::protocol_violation, "SCRAM: an extension that is not known here");
    case ScramError::too_expensive:
    case ScramError::malformed:
      return refuse(Reason::protocol_violation, "SCRAM: a malformed message");
  }
}

void ClientLogin::forget_secrets() {
  wipe(secret_.password);
  wipe(secret_.md5);
  wipe(secret_.scram_verifier);
  message_.clear();
  scram_.reset();
  verifier_ = {};
}

}  // namespace tidegate::postgres
