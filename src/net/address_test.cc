#include "net/address.h"

#include <gtest/gtest.h>

namespace tidegate::net {
namespace {

std::string parsed(const std::string& host, int port) {
  Address address;
  return parse_address(host, port, address) ? address.text() : "not a literal";
}

TEST(Address, Literals) {
  EXPECT_EQ(parsed("10.0.0.1", 5432), "10.0.0.1:5432");
  EXPECT_EQ(parsed("::1", 5432), "[::1]:5432");
  EXPECT_EQ(parsed("[2001:DB8::1]", 1), "[2001:db8::1]:1");
  EXPECT_EQ(parsed("fe80::1%lo", 1), "[fe80::1]:1");
}

TEST(Address, NamesAreNotLiterals) {
  for (const auto* name :
       {"", "localhost", "db.example.com", "1.2.3", "10.0.0.256", "[::1", ":::"}) {
    EXPECT_EQ(parsed(name, 5432), "not a literal") << name;
  }
  EXPECT_EQ(parsed("10.0.0.1", 65536), "not a literal");
  EXPECT_EQ(parsed("10.0.0.1", -1), "not a literal");
}

TEST(Address, UnixPathsAsLibpqNamesThem) {
  EXPECT_EQ(parsed("/run/postgresql", 5433), "unix:/run/postgresql/.s.PGSQL.5433");
  EXPECT_EQ(parsed("/tmp/.s.PGSQL.1", 5433), "unix:/tmp/.s.PGSQL.1");
  EXPECT_EQ(parsed("/tmp/gate.sock", 0), "unix:/tmp/gate.sock");
  EXPECT_EQ(parsed("@gate", 0), "unix:@gate");
  EXPECT_EQ(parsed("@gate", 5432), "unix:@gate/.s.PGSQL.5432");
}

TEST(Address, UnixPathsHaveALimit) {
  EXPECT_NE(parsed("/" + std::string(106, 'a'), 0), "not a literal");
  EXPECT_EQ(parsed("/" + std::string(107, 'a'), 0), "not a literal");
  EXPECT_NE(parsed("@" + std::string(107, 'a'), 0), "not a literal");
  EXPECT_EQ(parsed("@" + std::string(108, 'a'), 0), "not a literal");
}

TEST(Address, Parts) {
  Address address;
  ASSERT_TRUE(parse_address("::1", 5432, address));
  EXPECT_EQ(address.host_text(), "::1");
  EXPECT_EQ(address.port(), 5432);
  EXPECT_FALSE(address.is_unix());
  ASSERT_TRUE(parse_address("/tmp", 5432, address));
  EXPECT_EQ(address.host_text(), "unix");
  EXPECT_EQ(address.port(), 0);
  EXPECT_TRUE(address.is_unix());
  EXPECT_EQ(Address{}.host_text(), "unknown");
}

TEST(Address, Equality) {
  Address one, same, other;
  ASSERT_TRUE(parse_address("127.0.0.1", 1, one));
  ASSERT_TRUE(parse_address("127.0.0.1", 1, same));
  ASSERT_TRUE(parse_address("127.0.0.1", 2, other));
  EXPECT_EQ(one, same);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace tidegate::net
