#include "auth/scram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "auth/base64.h"
#include "auth/scram_text.h"
#include "auth/sha256.h"

namespace tidegate::auth {
namespace {

const Bytes kClientNonce = as_bytes("eighteen bytes (c)");
const Bytes kServerNonce = as_bytes("eighteen bytes (s)");
const Bytes kSalt = as_bytes("sixteen bytes ..");
const Bytes kCertificateHash = as_bytes("the hash of the server certificate");
constexpr std::uint32_t kFewIterations = 3;

struct Keys {
  Digest client;
  Digest server;
};

Keys keys_of(std::string_view password) {
  const auto salted = scram_salted_password(password, kSalt, kFewIterations);
  return {scram_client_key(salted), scram_server_key(salted)};
}

ScramServer server_for(std::string_view password, Bytes binding = {}, bool plus = false) {
  return {make_scram_verifier(password, kSalt, kFewIterations), binding, plus};
}

template <class T>
ScramError error_of(const std::expected<T, ScramError>& result) {
  EXPECT_FALSE(result.has_value());
  return result.has_value() ? ScramError{0xff} : result.error();
}

// RFC 7677 section 3.
TEST(Scram, MakesTheProofsOfTheRfc) {
  const auto salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==").value();
  const auto salted = scram_salted_password("pencil", salt, 4096);
  const auto message = auth_message(
      "n=user,r=rOprNGfwEbeRWgbNEkqO",
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  Sha256 sha256;
  const auto client_key = scram_client_key(salted);
  auto proof = sha256.hmac(sha256.of(client_key), {message});
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] ^= client_key[i];
  EXPECT_EQ(base64_encode(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_EQ(base64_encode(sha256.hmac(scram_server_key(salted), {message})),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, ClientAnswersTheServerOfTheRfc) {
  ScramClient client({}, false);
  const auto nonce = base64_decode("rOprNGfwEbeRWgbNEkqO").value();
  EXPECT_EQ(client.first(nonce), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  const auto challenge = client.challenge(
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->iterations, 4096u);
  EXPECT_EQ(base64_encode(challenge->salt), "W22ZaJ0SNY7soEsUEjb6gQ==");
}

// Every message on its way may be replaced; empty means the login went through.
struct Messages {
  std::string client_first;
  std::string server_first;
  std::string client_final;
  std::string server_final;
};

std::optional<ScramError> log_in(ScramClient client, ScramServer server, const Keys& keys,
                                 std::string Messages::* changed = nullptr,
                                 const std::function<void(std::string&)>& change = {}) {
  const auto pass = [&](std::string Messages::* which, std::string message) {
    if (which == changed) change(message);
    return message;
  };
  const auto client_first = pass(&Messages::client_first, client.first(kClientNonce));
  const auto server_first = server.first(client_first, kServerNonce);
  if (!server_first) return server_first.error();
  const auto challenge = client.challenge(pass(&Messages::server_first, *server_first));
  if (!challenge) return challenge.error();
  const auto client_final = pass(&Messages::client_final, client.final(keys.client, keys.server));
  const auto server_final = server.final(client_final);
  if (!server_final) return server_final.error();
  const auto verified = client.verify(pass(&Messages::server_final, *server_final));
  if (!verified) return verified.error();
  return std::nullopt;
}

RC_GTEST_PROP(Scram, LetsTheRightPasswordIn, (const std::string& password)) {
  RC_ASSERT(!log_in({{}, false}, server_for(password), keys_of(password)));
  RC_ASSERT(!log_in({kCertificateHash, true}, server_for(password, kCertificateHash, true),
                    keys_of(password)));
  RC_ASSERT(!log_in({kCertificateHash, false}, server_for(password), keys_of(password)));
  RC_ASSERT(!log_in({{}, false}, server_for(password, kCertificateHash), keys_of(password)));
}

TEST(Scram, RefusesAnotherPassword) {
  EXPECT_EQ(log_in({{}, false}, server_for("pencil"), keys_of("pencils")), ScramError::wrong_proof);
}

TEST(Scram, ServerThatDoesNotKnowThePasswordIsNoticed) {
  auto verifier = make_scram_verifier("pencil", kSalt, kFewIterations);
  verifier.server_key[0] ^= 1;
  EXPECT_EQ(log_in({{}, false}, {verifier, {}, false}, keys_of("pencil")), ScramError::wrong_proof);
}

TEST(Scram, RefusesEveryChangedByteOfEveryMessage) {
  const auto keys = keys_of("pencil");
  for (const auto message : {&Messages::client_first, &Messages::server_first,
                             &Messages::client_final, &Messages::server_final}) {
    for (const bool plus : {false, true}) {
      const Bytes binding = plus ? kCertificateHash : Bytes{};
      bool past_the_end = false;
      for (std::size_t at = 0; !past_the_end; ++at) {
        for (const std::uint8_t flip : {0x01, 0x02, 0x04, 0x20, 0x80}) {
          const auto failed = log_in({binding, plus}, server_for("pencil", binding, plus), keys,
                                     message, [&](std::string& text) {
                                       past_the_end = at >= text.size();
                                       if (!past_the_end)
                                         text[at] = static_cast<char>(text[at] ^ flip);
                                     });
          EXPECT_EQ(failed.has_value(), !past_the_end) << "byte " << at << " ^ " << int{flip};
        }
      }
    }
  }
}

TEST(Scram, RefusesEveryMessageCutShortOrMadeLonger) {
  const auto keys = keys_of("pencil");
  for (const auto message : {&Messages::client_first, &Messages::server_first,
                             &Messages::client_final, &Messages::server_final}) {
    const auto changed = [&](const std::function<void(std::string&)>& change) {
      return log_in({{}, false}, server_for("pencil"), keys, message, change).has_value();
    };
    for (std::size_t left = 0; left < 30; ++left) {
      EXPECT_TRUE(
          changed([&](std::string& text) { text.resize(std::min(left, text.size() - 1)); }));
    }
    EXPECT_TRUE(changed([](std::string& text) { text.pop_back(); }));
    EXPECT_TRUE(changed([](std::string& text) { text += ",x=1"; }));
    EXPECT_TRUE(changed([](std::string& text) { text += '='; }));
  }
}

TEST(Scram, RefusesTheBindingOfAnotherCertificate) {
  const auto other = as_bytes("the hash of somebody else's certificate");
  EXPECT_EQ(log_in({other, true}, server_for("pencil", kCertificateHash, true), keys_of("pencil")),
            ScramError::binding_mismatch);
}

TEST(Scram, NoticesThatItsOfferOfBindingWasHidden) {
  EXPECT_EQ(
      log_in({kCertificateHash, false}, server_for("pencil", kCertificateHash), keys_of("pencil")),
      ScramError::binding_mismatch);
}

struct FirstMessage {
  std::string_view text;
  bool plus_chosen;
  ScramError error;
};

TEST(ScramServer, RefusesFirstMessagesAsPostgresDoes) {
  using enum ScramError;
  constexpr FirstMessage kMessages[] = {
      {"", false, malformed},
      {"n", false, malformed},
      {"x,,n=,r=abc", false, malformed},
      {"nn,,n=,r=abc", false, malformed},
      {"p=tls-server-end-point,,n=,r=abc", false, malformed},  // binds, but did not choose PLUS
      {"n,,n=,r=abc", true, malformed},                        // chose PLUS, but does not bind
      {"y,,n=,r=abc", true, malformed},
      {"p=tls-unique,,n=,r=abc", true, unsupported},
      {"p=tls,,n=,r=abc", true, unsupported},
      {"p=,,n=,r=abc", true, unsupported},
      {"n,a=bob,n=,r=abc", false, unsupported},
      {"n,x,n=,r=abc", false, malformed},
      {"n,,m=ext,n=,r=abc", false, unsupported},
      {"n,,r=abc", false, malformed},
      {"n,,n=", false, malformed},
      {"n,,n=,x=abc", false, malformed},
      {"n,,n=,r=", false, malformed},
      {"n,,n=,r=a\x7f", false, malformed},
      {"n,,n=,r=a b", false, malformed},
      {"n,,n=,r=\xc3\xa9", false, malformed},
      {"n,,n=,r=abc,junk", false, malformed},
      {"n,,n=,r=abc,1=x", false, malformed},
      {std::string_view("n,,n=,r=abc\0", 12), false, malformed},
  };
  for (const auto& [text, plus_chosen, error] : kMessages) {
    auto server = server_for("pencil", plus_chosen ? kCertificateHash : Bytes{}, plus_chosen);
    EXPECT_EQ(error_of(server.first(text, kServerNonce)), error) << text;
  }
}

TEST(ScramServer, RefusesMessagesThatAreTooLong) {
  const auto nonce = std::string(kScramMessageBytesMax, 'a');
  EXPECT_EQ(error_of(server_for("pencil").first("n,,n=,r=" + nonce, kServerNonce)),
            ScramError::malformed);
}

TEST(ScramServer, IgnoresTheUserNameAndOptionalExtensions) {
  const auto asked = server_for("pencil").first("n,,n=bob,r=abc,x=1,y=2", kServerNonce);
  ASSERT_TRUE(asked);
  EXPECT_EQ(*asked, "r=abc" + base64_encode(kServerNonce) + ",s=" + base64_encode(kSalt) + ",i=3");
}

struct FinalMessage {
  std::string text;
  ScramError error;
};

TEST(ScramServer, RefusesFinalMessagesAsPostgresDoes) {
  using enum ScramError;
  const auto nonce = "abc" + base64_encode(kServerNonce);
  const auto proof = base64_encode(Digest{});
  const FinalMessage messages[] = {
      {"", malformed},
      {"c=biws", malformed},
      {"c=biws,r=" + nonce, malformed},
      {"r=" + nonce + ",c=biws,p=" + proof, malformed},
      {"c=eSws,r=" + nonce + ",p=" + proof, binding_mismatch},
      {"c=biwsAAAA,r=" + nonce + ",p=" + proof, binding_mismatch},
      {"c=biws,r=abc,p=" + proof, wrong_nonce},
      {"c=biws,r=" + nonce + "x,p=" + proof, wrong_nonce},
      {"c=biws,r=" + nonce + ",p=" + proof + ",x=1", malformed},
      {"c=biws,r=" + nonce + ",p=AAAA", malformed},
      {"c=biws,r=" + nonce + ",p=" + proof, wrong_proof},
      {"c=biws,r=" + nonce + ",x=1,p=" + proof, wrong_proof},
  };
  for (const auto& [text, error] : messages) {
    auto server = server_for("pencil");
    ASSERT_TRUE(server.first("n,,n=,r=abc", kServerNonce));
    EXPECT_EQ(error_of(server.final(text)), error) << text;
  }
  EXPECT_EQ(error_of(server_for("pencil").final(messages[10].text)), malformed) << "not asked yet";
}

TEST(ScramServer, LearnsTheClientKeyFromARightProof) {
  const auto keys = keys_of("pencil");
  auto server = server_for("pencil");
  ScramClient client({}, false);
  ASSERT_TRUE(client.challenge(server.first(client.first(kClientNonce), kServerNonce).value()));
  ASSERT_TRUE(server.final(client.final(keys.client, keys.server)));
  EXPECT_EQ(server.client_key(), keys.client);
}

TEST(ScramClient, RefusesChallengesThatAreNotForIt) {
  using enum ScramError;
  const auto nonce = base64_encode(kClientNonce);
  const FinalMessage messages[] = {
      {"", malformed},
      {"m=ext,r=" + nonce + "x,s=c2FsdA==,i=4096", unsupported},
      {"r=x" + nonce + ",s=c2FsdA==,i=4096", wrong_nonce},
      {"r=" + nonce + ",s=c2FsdA==,i=4096", wrong_nonce},  // the server added nothing
      {"r=" + nonce + "x", malformed},
      {"r=" + nonce + "x,s=,i=4096", malformed},
      {"r=" + nonce + "x,s=c2FsdA=,i=4096", malformed},
      {"r=" + nonce + "x,s=c2FsdA==,i=", malformed},
      {"r=" + nonce + "x,s=c2FsdA==,i=0", malformed},
      {"r=" + nonce + "x,s=c2FsdA==,i=-1", malformed},
      {"r=" + nonce + "x,s=c2FsdA==,i=4096k", malformed},
      {"r=" + nonce + "x,s=c2FsdA==,i=4096,x=1", malformed},
      {"r=" + nonce + "x,s=c2FsdA==,i=1000001", too_expensive},
      {"r=" + nonce + "x,s=c2FsdA==,i=99999999999999999999", too_expensive},
  };
  for (const auto& [text, error] : messages) {
    ScramClient client({}, false);
    client.first(kClientNonce);
    EXPECT_EQ(error_of(client.challenge(text)), error) << text;
  }
}

TEST(ScramClient, BelievesNoServerBeforeItProvedItself) {
  ScramClient client({}, false);
  EXPECT_EQ(error_of(client.verify("v=" + base64_encode(Digest{}))), ScramError::malformed);
}

TEST(ScramClient, ReadsTheErrorOfAServer) {
  ScramClient client({}, false);
  client.first(kClientNonce);
  client.final({}, {});
  EXPECT_EQ(error_of(client.verify("e=invalid-proof")), ScramError::wrong_proof);
  EXPECT_EQ(error_of(client.verify("v=AAAA")), ScramError::malformed);
  EXPECT_EQ(error_of(client.verify("x=AAAA")), ScramError::malformed);
}

constexpr std::string_view kVerifier =
    "SCRAM-SHA-256$4096:SQj/Haa5pVVjc/3twMOrHw==$c860Nz8DJFLyMLODhAMBrVgBgF6cPKc4YM/zvmPYLxs=:"
    "eqcPXYhjvViRHx+PnZ9EIpmH2+z1rTyjWnDyvoT3FfM=";

TEST(ScramVerifier, ReadsAndWritesWhatPostgresStores) {
  const auto verifier = ScramVerifier::parse(kVerifier);
  ASSERT_TRUE(verifier);
  EXPECT_EQ(verifier->iterations, 4096u);
  EXPECT_EQ(verifier->text(), kVerifier);
  EXPECT_EQ(make_scram_verifier("pencil", verifier->salt, 4096).text(), kVerifier);
}

TEST(ScramVerifier, RefusesWhatIsNone) {
  EXPECT_EQ(error_of(ScramVerifier::parse("pencil")), ScramError::malformed);
  EXPECT_EQ(error_of(ScramVerifier::parse("SCRAM-SHA-1" + std::string(kVerifier.substr(13)))),
            ScramError::malformed);
  std::string expensive(kVerifier);
  expensive.replace(expensive.find("4096"), 4, "2000000");
  EXPECT_EQ(error_of(ScramVerifier::parse(expensive)), ScramError::too_expensive);
  for (std::size_t length = 0; length < kVerifier.size(); ++length) {
    EXPECT_EQ(error_of(ScramVerifier::parse(kVerifier.substr(0, length))), ScramError::malformed);
  }
}

TEST(ScramVerifier, OfAnUnknownUserIsTheSameEachTime) {
  const Digest secret{1, 2, 3};
  const auto verifier = mock_scram_verifier("nobody", secret);
  EXPECT_EQ(verifier.text(), mock_scram_verifier("nobody", secret).text());
  EXPECT_NE(verifier.salt, mock_scram_verifier("somebody", secret).salt);
  EXPECT_NE(verifier.salt, mock_scram_verifier("nobody", Digest{}).salt);
  EXPECT_EQ(verifier.salt.size(), 16u);
  EXPECT_EQ(verifier.iterations, kIterationsDefault);
}

}  // namespace
}  // namespace tidegate::auth
