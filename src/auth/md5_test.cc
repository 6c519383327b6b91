#include "auth/md5.h"

#include <gtest/gtest.h>

namespace tidegate::auth {
namespace {

// What PostgreSQL 15 stored for CREATE ROLE m PASSWORD 'pencil'.
constexpr std::string_view kStored = "md58bbf3f45673bf67d02e4214911f3417f";

TEST(Md5, StoresWhatPostgresStores) {
  EXPECT_EQ(md5_stored("m", "pencil"), kStored);
}

TEST(Md5, HashesTheStoredHexWithTheSalt) {
  const std::uint8_t salt[] = {1, 2, 3, 4};
  EXPECT_EQ(md5_response(kStored, salt), "md5b102d64f0a7f8aa6cc98d60d13b48b72");
}

TEST(Md5, AnswersNothingForASecretOfAnotherForm) {
  const std::uint8_t salt[] = {1, 2, 3, 4};
  EXPECT_EQ(md5_response("pencil", salt), "");
}

TEST(Md5, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time("", ""));
}

TEST(Md5, TellsTheFormOfASecret) {
  EXPECT_EQ(secret_form(kStored), SecretForm::md5);
  EXPECT_EQ(secret_form("md5"), SecretForm::cleartext);
  EXPECT_EQ(secret_form("md58BBF3F45673BF67D02E4214911F3417F"), SecretForm::cleartext);
  EXPECT_EQ(secret_form("SCRAM-SHA-256$4096:c2FsdA==$x:y"), SecretForm::scram);
  EXPECT_EQ(secret_form("SCRAM-SHA-256"), SecretForm::cleartext);
  EXPECT_EQ(secret_form(""), SecretForm::cleartext);
}

}  // namespace
}  // namespace tidegate::auth
