#include <gtest/gtest.h>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;

template <typename Write>
std::string written(Write&& write) {
  ByteBuffer out;
  write(out);
  return std::string(as_text(out));
}

TEST(MessagesFrontend, StartupIsPairsAndAZero) {
  EXPECT_EQ(written([](auto& out) { write_startup(out, {{"user", "al"}, {"database", "db"}}); }),
            "\0\0\0\x1d\0\x03\0\0user\0al\0database\0db\0\0"s);
}

TEST(MessagesFrontend, AnEmptyNameDoesNotEndTheListEarly) {
  EXPECT_EQ(written([](auto& out) { write_startup(out, {{"", "x"}, {"user", "al"}}); }),
            "\0\0\0\x11\0\x03\0\0user\0al\0\0"s);
}

TEST(MessagesFrontend, RequestsWithoutAType) {
  EXPECT_EQ(written([](auto& out) { write_ssl_request(out); }), "\0\0\0\x08\x04\xd2\x16\x2f"s);
  EXPECT_EQ(written([](auto& out) { write_cancel_request(out, 1, as_bytes("key!")); }),
            "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01key!"s);
  const std::string long_key(256, 'k');
  EXPECT_EQ(written([&](auto& out) { write_cancel_request(out, 1, as_bytes(long_key)); }),
            "\0\0\x01\x0c\x04\xd2\x16\x2e\0\0\0\x01"s + long_key);
}

TEST(MessagesFrontend, Passwords) {
  EXPECT_EQ(written([](auto& out) { write_password(out, "tide"); }), "p\0\0\0\x09tide\0"s);
  EXPECT_EQ(written([](auto& out) { write_sasl_initial(out, kScram, "n,,"); }),
            "p\0\0\0\x19SCRAM-SHA-256\0\0\0\0\x03n,,"s);
  EXPECT_EQ(written([](auto& out) { write_sasl_response(out, "c=biws"); }),
            "p\0\0\0\x0a"
            "c=biws"s);
}

TEST(MessagesFrontend, Statements) {
  EXPECT_EQ(written([](auto& out) { write_query(out, "SELECT 1"); }), "Q\0\0\0\x0dSELECT 1\0"s);
  const auto text_and_types = "SELECT $1\0\0\x01\0\0\0\x17"s;
  EXPECT_EQ(written([&](auto& out) { write_parse(out, "s1", as_bytes(text_and_types)); }),
            "P\0\0\0\x17s1\0SELECT $1\0\0\x01\0\0\0\x17"s);
  EXPECT_EQ(written([](auto& out) { write_close_statement(out, "s1"); }), "C\0\0\0\x08Ss1\0"s);
  EXPECT_EQ(written([](auto& out) { write_sync(out); }), "S\0\0\0\x04"s);
  EXPECT_EQ(written([](auto& out) { write_terminate(out); }), "X\0\0\0\x04"s);
}

}  // namespace
}  // namespace tidegate::postgres
