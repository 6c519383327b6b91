#include "auth/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidegate::auth {
namespace {

TEST(Base64, EncodesTheExamplesOfTheRfc) {  // RFC 4648 section 10
  EXPECT_EQ(base64_encode(as_bytes("")), "");
  EXPECT_EQ(base64_encode(as_bytes("f")), "Zg==");
  EXPECT_EQ(base64_encode(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(base64_encode(as_bytes("foo")), "Zm9v");
  EXPECT_EQ(base64_encode(as_bytes("foobar")), "Zm9vYmFy");
}

RC_GTEST_PROP(Base64, DecodesWhatItEncoded, (const std::vector<std::uint8_t>& bytes)) {
  RC_ASSERT(base64_decode(base64_encode(bytes)) == bytes);
}

RC_GTEST_PROP(Base64, HasOneTextForEveryValue, ()) {
  const auto letter = rc::gen::elementOf(std::string("ABab01+/=Q"));
  const auto text = *rc::gen::container<std::string>(letter);
  const auto bytes = base64_decode(text);
  if (bytes) RC_ASSERT(base64_encode(*bytes) == text);
}

TEST(Base64, RefusesOtherSpellings) {
  for (const auto* text : {"Zg", "Zg=", "Zg===", "====", "=", "Z===", "Zm9v\n",
                           " Zg=", "Zh==", "Zm9=", "Zm-_", "Zg==Zg==", "Z=g="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace tidegate::auth
