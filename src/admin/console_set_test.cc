// What SET says on the console.
#include "admin/console_set.h"

#include <gtest/gtest.h>

#include "config/names.h"

namespace tidegate::admin {
namespace {

TEST(ConsoleSet, WhatDriversSetIsLetPass) {
  for (const auto* command :
       {"SET extra_float_digits = 3", "set DateStyle='ISO'", "SET SESSION TimeZone TO UTC",
        "set local statement_timeout=0", "SET \"client_encoding\" TO 'utf8'", "SET TIME ZONE 'x'",
        "SET NAMES 'utf8'", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET TRANSACTION READ ONLY"}) {
    const auto reply = answer_set(command, "");
    EXPECT_EQ(reply.error, "") << command;
    EXPECT_EQ(reply.tag, "SET") << command;
    EXPECT_EQ(reply.notices.size(), 1u) << command;
  }
}

TEST(ConsoleSet, ASettingOfThePoolerIsRefusedWithWhereToChangeIt) {
  for (const auto* command :
       {"SET default_pool_size = 5", "set POOL_SIZE to 5", "SET log.level = debug",
        "SET route.shop.pool_size=1", "SET \"max_client_conn\"=1", "SET peer_id = 3"}) {
    const auto reply = answer_set(command, "/etc/tidegate.toml");
    EXPECT_EQ(reply.sqlstate, "55P02") << command;
    EXPECT_NE(reply.error.find("read at the start only; change it in /etc/tidegate.toml and "
                               "restart"),
              std::string::npos)
        << reply.error;
  }
  EXPECT_NE(answer_set("SET pool_size = 1", "").error.find("change it on the command line and"),
            std::string::npos);
}

TEST(ConsoleSet, WhatNobodyKnowsIsUnrecognized) {
  for (const auto* command :
       {"SET nonsense = 1", "SET ;", "SET =", "SET \"", "SET app.pool_size = 1"}) {
    const auto reply = answer_set(command, "");
    EXPECT_EQ(reply.sqlstate, "42704") << command;
    EXPECT_TRUE(reply.error.starts_with("unrecognized configuration parameter \"")) << reply.error;
  }
}

}  // namespace
}  // namespace tidegate::admin
