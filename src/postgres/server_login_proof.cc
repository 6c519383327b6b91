// How we prove to a server who we are, and how it proves that it knows the password too.
#include <array>

#include <fmt/format.h>

#include "auth/md5.h"
#include "postgres/authentication.h"
#include "postgres/server_login.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kMd5SaltBytes = 4;
constexpr std::size_t kNonceBytes = 18;  // as libpq's
constexpr std::string_view kImpostor = "the server does not know the password: possible impostor";

std::string_view unusable_method(Authentication kind) {
  switch (kind) {
    case Authentication::kerberos_5:
      return "Kerberos 5";
    case Authentication::scm_credentials:
      return "SCM credentials";
    case Authentication::gss:
    case Authentication::gss_continue:
      return "GSSAPI";
    case Authentication::sspi:
      return "SSPI";
    default:
      return "an unknown method";
  }
}

struct Mechanisms {
  bool scram = false;
  bool scram_plus = false;
};

// A list of names that ends with an empty one.
std::optional<Mechanisms> read_mechanisms(ByteReader reader) {
  Mechanisms offered;
  for (;;) {
    const auto name = reader.cstring();
    if (name.empty()) break;
    offered.scram |= name == kScram;
    offered.scram_plus |= name == kScramPlus;
  }
  if (!reader.finished()) return std::nullopt;
  return offered;
}

}  // namespace

// Each state expects one kind of request. A server that skips its own proof by an early
// AuthenticationOk is no better than one with a wrong proof.
void ServerLogin::authentication_arrived(Bytes body, const session::Turn& turn) {
  ByteReader reader(body);
  const auto kind = static_cast<Authentication>(reader.be32());
  if (!reader.ok()) return fail_protocol("a malformed authentication request");
  if (state_ == State::authenticating && kind != Authentication::ok)
    return password_wanted(kind, reader, turn);
  if (state_ == State::sasl_continue && kind == Authentication::sasl_continue) {
    return sasl_challenged(as_text(reader.rest()));
  }
  if (state_ == State::sasl_final && kind == Authentication::sasl_final) {
    return sasl_answered(as_text(reader.rest()));
  }
  const bool ok_expected = state_ == State::authenticating || state_ == State::awaiting_ok;
  if (ok_expected && kind == Authentication::ok && reader.finished()) {
    state_ = State::reporting;
    return;
  }
  if (scram_ != nullptr && kind == Authentication::ok)
    return fail(Reason::server_login_failed, kImpostor, Setback::of_route);
  fail_protocol("an authentication request out of its order");
}

void ServerLogin::password_wanted(Authentication kind, ByteReader request,
                                  const session::Turn& turn) {
  switch (kind) {
    case Authentication::cleartext:
      return cleartext_wanted(request);
    case Authentication::md5:
      return md5_wanted(request);
    case Authentication::sasl:
      return sasl_wanted(request, turn);
    default:
      fail(Reason::server_login_failed,
           fmt::format("the server asks for {}, which is not supported: let pg_hba.conf ask the "
                       "pooler for scram-sha-256",
                       unusable_method(kind)),
           Setback::of_route);
  }
}

bool ServerLogin::has_password() {
  if (!port_->rules().password.empty()) return true;
  fail(Reason::server_login_failed,
       "the server asks for a password, and none is configured for the upstream",
       Setback::of_route);
  return false;
}

void ServerLogin::cleartext_wanted(ByteReader request) {
  if (!request.finished()) return fail_protocol("a malformed request for a password");
  if (!secured_ && !port_->over_unix_socket() && !port_->rules().cleartext_allowed) {
    return fail(Reason::server_login_failed,
                "the server asks for the password in cleartext and without TLS: set sslmode = "
                "\"require\" for the upstream",
                Setback::of_route);
  }
  if (has_password()) send_password(port_->rules().password);
}

void ServerLogin::md5_wanted(ByteReader request) {
  const auto salt = request.bytes(kMd5SaltBytes);
  if (!request.finished()) return fail_protocol("a malformed request for an md5 password");
  if (!has_password()) return;
  const auto& rules = port_->rules();
  const bool hashed = auth::secret_form(rules.password) == auth::SecretForm::md5;
  auto stored = hashed ? rules.password : auth::md5_stored(rules.user, rules.password);
  send_password(auth::md5_response(stored, salt));
  wipe(stored);
}

void ServerLogin::send_password(std::string_view password) {
  ByteBuffer out;
  write_password(out, password);
  state_ = State::awaiting_ok;
  port_->to_server(out);
  wipe(out);
}

void ServerLogin::sasl_wanted(ByteReader request, const session::Turn& turn) {
  const auto offered = read_mechanisms(request);
  if (!offered) return fail_protocol("a malformed list of SASL mechanisms");
  const bool can_bind = !channel_binding_.empty() && port_->rules().channel_binding_wanted;
  const bool plus = can_bind && offered->scram_plus;
  if (!plus && !offered->scram) {
    return fail(Reason::server_login_failed, "the server offers no SASL mechanism known here",
                Setback::of_route);
  }
  if (!has_password()) return;

  scram_ = std::make_unique<auth::ScramClient>(can_bind ? Bytes(channel_binding_) : Bytes{}, plus);
  std::array<std::uint8_t, kNonceBytes> nonce;
  turn.entropy.fill(nonce);
  ByteBuffer out;
  write_sasl_initial(out, plus ? kScramPlus : kScram, scram_->first(nonce));
  state_ = State::sasl_continue;
  port_->to_server(out);
}

void ServerLogin::sasl_challenged(std::string_view server_first) {
  const auto challenge = scram_->challenge(server_first);
  if (!challenge) return fail_scram(challenge.error());
  state_ = State::awaiting_keys;
  port_->need_scram_keys(challenge->salt, challenge->iterations);
}

void ServerLogin::scram_keys(const session::ScramKeys& keys, const session::Turn&) {
  if (state_ != State::awaiting_keys) return;
  state_ = State::sasl_final;
  ByteBuffer out;
  write_sasl_response(out, scram_->final(keys.client_key, keys.server_key));
  port_->to_server(out);
}

void ServerLogin::sasl_answered(std::string_view server_final) {
  const auto verified = scram_->verify(server_final);
  if (!verified) return fail_scram(verified.error());
  state_ = State::awaiting_ok;
}

void ServerLogin::fail_scram(auth::ScramError error) {
  using auth::ScramError;
  switch (error) {
    case ScramError::wrong_proof:
      return fail(Reason::server_login_failed, kImpostor, Setback::of_route);
    case ScramError::binding_mismatch:
      return fail(Reason::server_login_failed,
                  "the channel binding does not match: somebody may stand in between",
                  Setback::of_route);
    case ScramError::too_expensive:
      return fail(
          Reason::server_login_failed,
          fmt::format("the server asks for more than {} SCRAM iterations", auth::kIterationsMax),
          Setback::of_route);
    case ScramError::wrong_nonce:
      return fail_protocol("SCRAM: not the nonce that was sent");
    case ScramError::unsupported:
      return fail_protocol("SCRAM: an extension not known here");
    case ScramError::malformed:
      return fail_protocol("SCRAM: a malformed message");
  }
}

}  // namespace tidegate::postgres
