#include "proxy/secrets.h"

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/md5.h"
#include "proxy/upstream.h"
#include "session/conversation.h"

namespace tidegate::proxy {
namespace {

const std::vector<std::uint8_t> kSalt(16, 9);

std::string verifier_of(std::string_view password) {
  return auth::make_scram_verifier(password, kSalt, auth::kIterationsDefault).text();
}

class SecretsTest : public testing::Test {
 protected:
  Secrets make(config::AuthType type) {
    config::Config config;
    config.auth_type = type;
    config.users = {{.name = "clear", .secret = "pw", .clients_max = 3},
                    {.name = "hashed", .secret = auth::md5_stored("hashed", "pw")},
                    {.name = "keyed", .secret = verifier_of("pw")},
                    {.name = "guest", .trust = true}};
    return Secrets(config, auth::Digest{1, 2, 3});
  }
};

TEST_F(SecretsTest, ACleartextSecretIsDerivedOnceAndThenKnown) {
  auto secrets = make(config::AuthType::scram_sha_256);
  EXPECT_FALSE(secrets.find("clear").has_value());
  EXPECT_TRUE(secrets.claim_derivation("clear"));
  EXPECT_FALSE(secrets.claim_derivation("clear")) << "somebody is at it";
  secrets.derive("clear", kSalt);
  EXPECT_EQ(secrets.find("clear").value().scram_verifier, verifier_of("pw"));
  EXPECT_FALSE(secrets.claim_derivation("clear")) << "asked before it was known, and told after";
}

TEST_F(SecretsTest, StoredSecretsNeedNoWork) {
  auto secrets = make(config::AuthType::any_stored);
  EXPECT_EQ(secrets.find("keyed").value().scram_verifier, verifier_of("pw"));
  EXPECT_EQ(secrets.find("hashed").value().md5, auth::md5_stored("hashed", "pw"));
  EXPECT_TRUE(secrets.find("guest").value().trust);
  EXPECT_FALSE(secrets.find("keyed").value().trust);
}

TEST_F(SecretsTest, AnUnknownUserLooksLikeAnyOtherEachTime) {
  auto secrets = make(config::AuthType::scram_sha_256);
  const auto mock = secrets.find("nobody").value();
  EXPECT_FALSE(mock.known);
  EXPECT_FALSE(mock.trust);
  EXPECT_TRUE(auth::ScramVerifier::parse(mock.scram_verifier).has_value());
  EXPECT_EQ(secrets.find("nobody").value().scram_verifier, mock.scram_verifier);
  EXPECT_NE(secrets.find("no one").value().scram_verifier, mock.scram_verifier);
  EXPECT_EQ(make(config::AuthType::md5).find("nobody").value().md5.size(), 35u);
}

TEST_F(SecretsTest, Md5IsMadeOfACleartextSecret) {
  auto secrets = make(config::AuthType::md5);
  EXPECT_EQ(secrets.find("clear").value().md5, auth::md5_stored("clear", "pw"));
}

TEST_F(SecretsTest, TrustIsOnlyWhatWasWrittenDown) {
  EXPECT_TRUE(make(config::AuthType::trust).find("keyed").value().trust);
  EXPECT_FALSE(make(config::AuthType::trust).find("nobody").value().trust);
  EXPECT_TRUE(make(config::AuthType::anyone).find("nobody").value().trust);
}

TEST_F(SecretsTest, OnlyACleartextSecretLogsInToServers) {
  auto secrets = make(config::AuthType::any_stored);
  EXPECT_EQ(secrets.password("clear"), "pw");
  for (const char* user : {"hashed", "keyed", "guest", "nobody"}) {
    EXPECT_EQ(secrets.password(user), "") << user;
  }
}

TEST_F(SecretsTest, KnownUsersHaveAPlaceWithTheirLimit) {
  auto secrets = make(config::AuthType::any_stored);
  ASSERT_NE(secrets.place("clear"), nullptr);
  EXPECT_EQ(secrets.place("clear")->clients_max, 3);
  EXPECT_EQ(secrets.place("nobody"), nullptr);
}

// Short texts lie in the object itself, so that its place can be looked at when it is gone.
template <typename T>
std::string remains_of(const T& value) {
  alignas(T) static unsigned char place[sizeof(T)];
  std::construct_at(reinterpret_cast<T*>(place), value)->~T();
  asm volatile("" ::: "memory");
  return {reinterpret_cast<const char*>(place), sizeof place};
}

TEST(Copies, OfSecretsLeaveNothingBehind) {
  using testing::HasSubstr;
  using testing::Not;
  const std::string text = "hunter2";
  const session::Secret secret{.password = text, .md5 = text, .scram_verifier = text};
  EXPECT_THAT(remains_of(secret), Not(HasSubstr(text)));
  EXPECT_THAT(remains_of(session::ServerRules{.password = text}), Not(HasSubstr(text)));
  EXPECT_THAT(remains_of(Upstream::KeyQuery{.password = text}), Not(HasSubstr(text)));
}

}  // namespace
}  // namespace tidegate::proxy
