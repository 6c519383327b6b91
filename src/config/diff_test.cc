#include "config/diff.h"

#include <gtest/gtest.h>

namespace tidegate::config {
namespace {

Config some_config() {
  Config config;
  config.listen.push_back({});
  config.upstreams.push_back(
      {.name = "main", .hosts = {{"a", 5432}}, .user = "u", .password = "x"});
  config.routes.push_back({.database = "app", .upstream = "main"});
  config.users.push_back({.name = "app", .secret = "old"});
  return config;
}

TEST(Diff, nothing_changes_into_itself) {
  EXPECT_TRUE(diff(some_config(), some_config()).empty());
}

TEST(Diff, names_each_change_and_whether_it_needs_a_restart) {
  auto wanted = some_config();
  wanted.workers = 4;
  wanted.log_level = LogLevel::debug;
  wanted.routes[0].limits.pool_size = 5;
  wanted.upstreams[0].limits.budget = 7;
  const std::vector<Change> expected = {
      {"workers", "auto", "4", true},
      {"log.level", "info", "debug", false},
      {"upstream.main.budget", "20", "7", false},
      {"route.app.pool_size", "20", "5", false},
  };
  EXPECT_EQ(diff(some_config(), wanted), expected);
}

TEST(Diff, what_has_a_name_comes_and_goes) {
  auto wanted = some_config();
  wanted.routes[0].database = "shop";
  wanted.users.push_back({.name = "new", .secret = "s"});
  const std::vector<Change> expected = {{"route.app", "present", "", false},
                                        {"route.shop", "", "present", false},
                                        {"user.new", "", "present", false}};
  EXPECT_EQ(diff(some_config(), wanted), expected);
}

TEST(Diff, a_new_secret_is_a_change_that_is_not_shown) {
  auto wanted = some_config();
  wanted.users[0].secret = "new";
  wanted.upstreams[0].password = "y";
  const std::vector<Change> expected = {{"upstream.main.password", "***", "***", false},
                                        {"user.app.password", "***", "***", false}};
  EXPECT_EQ(diff(some_config(), wanted), expected);
}

}  // namespace
}  // namespace tidegate::config
