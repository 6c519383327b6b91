#include "config/settings.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "config/load.h"
#include "config/pgbouncer_settings.h"

namespace tidegate::config {
namespace {

// Calls `check(setting, fresh owner)` for every setting there is.
template <typename Check>
void for_each_setting(Check check) {
  const auto all = [&](const auto& table, const auto& fresh) {
    for (const auto& setting : table) check(setting, fresh);
  };
  Config config;
  config.listen.push_back({});
  for (const auto& section : global_sections()) all(section.table, config);
  all(upstream_settings(), Upstream{});
  all(route_settings(), Route{});
  all(pool_settings(), Route{});
  all(user_settings(), User{});
}

TEST(Settings, every_default_reads_back_as_itself) {
  for_each_setting([](const auto& setting, auto fresh) {
    if (setting.kind == Kind::url) return;
    const auto before = fresh;
    const auto done = setting.parse(fresh, setting.print(fresh));
    EXPECT_TRUE(done) << setting.name << " " << (done ? "" : done.error());
    EXPECT_EQ(fresh, before) << setting.name;
  });
}

TEST(Settings, every_default_of_pgbouncer_can_be_read) {
  for_each_setting([](const auto& setting, auto fresh) {
    if (setting.ini_fallback.empty()) return;
    const auto done = setting.parse(fresh, setting.ini_fallback);
    EXPECT_TRUE(done) << setting.name << " " << (done ? "" : done.error());
  });
}

TEST(Settings, every_one_is_described) {
  for_each_setting([](const auto& setting, const auto&) {
    EXPECT_FALSE(setting.accepts.empty()) << setting.name;
    EXPECT_TRUE(setting.doc.ends_with('.')) << setting.name;
  });
}

TEST(Settings, names_are_unique_where_they_stand) {
  std::set<std::string> seen;
  for (const auto& section : global_sections()) {
    for (const auto& setting : section.table) {
      EXPECT_TRUE(seen.insert(section.full_name(setting.name)).second) << setting.name;
    }
  }
  std::set<std::string_view> of_routes;
  for (const auto& table : {route_settings(), pool_settings()}) {
    for (const auto& setting : table) EXPECT_TRUE(of_routes.insert(setting.name).second);
  }
}

TEST(Settings, a_setting_of_pgbouncer_has_one_fate) {
  std::set<std::string_view> seen;
  for (const auto& setting : pgbouncer_settings()) {
    EXPECT_TRUE(seen.insert(setting.name).second) << setting.name;
  }
  for_each_setting([&](const auto& setting, const auto&) {
    if (setting.ini_name.empty()) return;
    EXPECT_TRUE(seen.insert(setting.ini_name).second) << setting.ini_name;
  });
}

TEST(Settings, secrets_are_never_shown) {
  Config config;
  config.upstreams.push_back({.name = "main", .user = "u", .password = "hunter2"});
  config.routes.push_back({.database = "db", .server_password = "hunter2"});
  config.users.push_back({.name = "u", .secret = "hunter2"});
  bool masked = false;
  for (const auto& row : show(config)) {
    EXPECT_EQ(row.value.find("hunter2"), std::string::npos) << row.key;
    EXPECT_EQ(row.fallback.find("***"), std::string::npos) << row.key;
    masked = masked || (row.key == "user.u.password" && row.value == "***");
  }
  EXPECT_TRUE(masked);
}

TEST(Settings, show_tells_value_and_default_and_that_nothing_changes_at_run_time) {
  Config config;
  config.listen.push_back({});
  config.log_level = LogLevel::debug;
  for (const auto& row : show(config)) {
    EXPECT_FALSE(row.changeable) << row.key;
    if (row.key == "log.level") {
      EXPECT_EQ(row.value, "debug");
      EXPECT_EQ(row.fallback, "info");
    }
    if (row.key == "listen") {
      EXPECT_EQ(row.value, "127.0.0.1:6432");
    }
  }
}

TEST(Settings, the_command_line_may_override) {
  Config config;
  EXPECT_TRUE(override_setting(config, "log.level", "debug"));
  EXPECT_TRUE(override_setting(config, "listen", "[::1]:7000,/run/x"));
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_EQ(config.listen, (std::vector<Listen>{{"::1", 7000}, {"/run/x", 6432}}));
  EXPECT_EQ(override_setting(config, "workers", "-1").error(),
            "`workers` must be `auto` or an integer from 1 to 256, not `-1`");
  EXPECT_EQ(override_setting(config, "log.levle", "x").error(),
            "unknown setting `log.levle`: did you mean `log.level`?");
}

std::string content(const std::string& path) {
  std::ifstream file(std::string(TIDEGATE_SOURCE_DIR "/") + path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

TEST(Manual, docs_settings_md_is_what_the_tables_say) {
  EXPECT_TRUE(content("docs/settings.md") == manual())
      << "print it anew: tidegate settings --markdown > docs/settings.md";
}

TEST(Manual, the_examples_work) {
  auto sources = Sources::real();
  sources.environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "DATABASE_URL" ? "postgres://app:secret@db.example.com/app" : "secret";
  };
  sources.read_file = [](const std::string& path) -> std::expected<std::string, std::string> {
    return path.starts_with("/run/secrets/") ? "secret\n" : content(path);
  };
  for (const char* path : {"examples/tidegate.toml", "examples/minimal.toml",
                           "examples/serverless.toml", "examples/pgbouncer.ini"}) {
    const auto loaded = load_file(path, sources);
    EXPECT_TRUE(loaded.usable()) << path;
    EXPECT_FALSE(loaded.config.routes.empty()) << path;
    for (const auto& problem : loaded.problems) ADD_FAILURE() << problem.format();
  }
}

}  // namespace
}  // namespace tidegate::config
