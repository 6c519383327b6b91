#include "net/listen_names.h"

#include <gtest/gtest.h>

#include "net/listener.h"

namespace tidegate::net {
namespace {

std::string error(const std::string& host) {
  const auto found = addresses_to_listen_on(host, 6432);
  return found ? "" : found.error();
}

TEST(ListenNames, LiteralsStandForThemselves) {
  const auto found = addresses_to_listen_on("127.0.0.1", 7);
  ASSERT_TRUE(found) << found.error();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().text(), "127.0.0.1:7");
  EXPECT_EQ(addresses_to_listen_on("/tmp", 7)->front().text(), "unix:/tmp/.s.PGSQL.7");
  EXPECT_EQ(addresses_to_listen_on("@tide", 7)->size(), 1u);
}

// As PgBouncer has it; where IPv6 is switched off, what is left.
TEST(ListenNames, AStarIsEveryAddressOfBothFamilies) {
  const auto all = addresses_to_listen_on("*", 7);
  ASSERT_TRUE(all) << all.error();
  const bool has_ipv6 = addresses_to_listen_on("::", 7).has_value();
  ASSERT_EQ(all->size(), has_ipv6 ? 2u : 1u);
  EXPECT_EQ(all->front().text(), "0.0.0.0:7");
  EXPECT_EQ(all->back().text(), has_ipv6 ? "[::]:7" : "0.0.0.0:7");
}

TEST(ListenNames, ANameIsLookedUp) {
  const auto found = addresses_to_listen_on("localhost", 7);
  ASSERT_TRUE(found) << found.error();
  for (const auto& address : *found) {
    const auto text = address.text();
    EXPECT_TRUE(text == "127.0.0.1:7" || text == "[::1]:7") << text;
  }
}

TEST(ListenNames, WhatCannotBeListenedOnIsNamed) {
  EXPECT_TRUE(error("nowhere.invalid").starts_with("cannot listen on `nowhere.invalid`: "));
  // For documentation (RFC 5737): nobody has it.
  EXPECT_EQ(error("192.0.2.7"), "cannot listen on `192.0.2.7`: Cannot assign requested address");
  EXPECT_EQ(error("/tmp/there-is-no-such-folder"),
            "cannot listen on `/tmp/there-is-no-such-folder`: folder "
            "`/tmp/there-is-no-such-folder`: No such file or directory");
  EXPECT_NE(error("/" + std::string(200, 'x')).find("too long"), std::string::npos);
}

TEST(ListenNames, WhatAnotherAddressHasNeedsNoDoorOfItsOwn) {
  const auto included = [](const std::vector<std::pair<std::string, int>>& names) {
    std::vector<Address> all(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_TRUE(parse_address(names[i].first, names[i].second, all[i]));
    }
    std::string out;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto in = included_in(all, i);
      out += in ? std::to_string(*in) : "-";
    }
    return out;
  };
  EXPECT_EQ(included({{"127.0.0.1", 7}, {"127.0.0.1", 7}, {"127.0.0.1", 8}}), "-0-");
  EXPECT_EQ(included({{"127.0.0.1", 7}, {"0.0.0.0", 7}, {"::1", 7}, {"::", 7}}), "1-3-");
  EXPECT_EQ(included({{"::", 7}, {"127.0.0.1", 7}, {"127.0.0.2", 7}}), "---");
  EXPECT_EQ(included({{"127.0.0.1", 0}, {"127.0.0.1", 0}, {"0.0.0.0", 0}}), "---");
  EXPECT_EQ(included({{"/tmp", 7}, {"/tmp", 8}, {"/tmp", 7}, {"@x", 7}, {"0.0.0.0", 7}}), "--0--");
}

TEST(ListenNames, WhereSomebodyListensAlreadyIsNoTrouble) {
  auto address = addresses_to_listen_on("127.0.0.1", 0)->front();
  const auto listener = Listener::open(address, {});
  ASSERT_TRUE(listener) << listener.error();
  EXPECT_TRUE(addresses_to_listen_on("127.0.0.1", (*listener)->address().port()));
}

}  // namespace
}  // namespace tidegate::net
