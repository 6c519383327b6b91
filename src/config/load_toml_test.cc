#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/fake_sources.h"
#include "config/load.h"

namespace tidegate::config {
namespace {

// The least that is a usable configuration, on two lines.
constexpr const char* kMain =
    "[upstream.main]\nurl = \"postgres://app:secret@db.example.com/shop\"\n";

Loaded load(const std::string& text, const FakeSources& fake = {}) {
  return load_toml(text, "t.toml", fake.sources());
}

std::string problems(const std::string& text, const FakeSources& fake = {}) {
  return format(load(text, fake).problems);
}

TEST(LoadToml, one_url_is_enough) {
  const auto loaded = load(kMain);
  ASSERT_EQ(format(loaded.problems), "");
  EXPECT_EQ(loaded.config.listen, std::vector<Listen>{Listen{}});
  ASSERT_EQ(loaded.config.routes.size(), 1u);
  EXPECT_EQ(loaded.config.routes[0].database, "shop");
  EXPECT_EQ(loaded.config.routes[0].upstream, "main");
  EXPECT_EQ(loaded.config.users, (std::vector<User>{{.name = "app", .secret = "secret"}}));
}

constexpr const char* kEverySection = R"(
listen = ["*:7000", "/run/tidegate"]
unix_socket_mode = "0770"
workers = 3
clients_max = 200
admin_users = ["app", "guest"]
tcp_keepalive_idle = "2min"

[auth]
type = "scram-sha-256"

[tls]
cert_file = "/c.pem"
key_file = "/k.pem"

[log]
level = "debug"
format = "json"

[pool]
pool_size = 7
pool_timeout = 2.5

[upstream.main]
host = ["db1", "db2:5433"]
user = "pooler"
password = "pw"
budget = 30
sslmode = "verify-full"
parameters = { application_name = "tidegate", search_path = "a, b" }

[route.app]
pool_mode = "session"
database = "shop"
parameters = { search_path = "it's c" }

[route."*"]
upstream = "main"
pool_size = 2
clients_max = 5

[user.app]
password = "secret"
clients_max = 10
[user.guest]
trust = true
)";

TEST(LoadToml, reads_every_section_about_the_process) {
  const auto loaded = load(kEverySection);
  EXPECT_EQ(format(loaded.problems),
            "t.toml:46:1: warning: user `guest` needs no password, and `*` can be reached from "
            "other machines\n");
  const auto& config = loaded.config;
  EXPECT_EQ(config.listen, (std::vector<Listen>{{"*", 7000, 0770}, {"/run/tidegate", 6432, 0770}}));
  EXPECT_EQ(config.workers, 3);
  EXPECT_EQ(config.clients_max, 200);
  EXPECT_EQ(config.admin_users, (std::vector<std::string>{"app", "guest"}));
  EXPECT_EQ(config.tcp_keepalive_idle_s, 120);
  EXPECT_EQ(config.auth_type, AuthType::scram_sha_256);
  EXPECT_EQ(config.client_ssl_mode, net::SslMode::prefer) << "a certificate is given to be used";
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_TRUE(config.log_json);
  EXPECT_EQ(config.users.at(0).clients_max, 10);
  EXPECT_TRUE(config.users.at(1).trust);
}

TEST(LoadToml, reads_every_section_about_databases) {
  const auto config = load(kEverySection).config;
  const auto& upstream = config.upstreams.at(0);
  EXPECT_EQ(upstream.hosts, (std::vector<net::Target>{{"db1", 5432}, {"db2", 5433}}));
  EXPECT_EQ(upstream.limits.budget, 30);
  EXPECT_EQ(upstream.tls.ca_file, "system");

  const auto& app = config.routes.at(0);
  EXPECT_EQ(app.upstream, "main") << "the only one";
  EXPECT_EQ(app.limits.pool_size, 7) << "from [pool]";
  EXPECT_EQ(app.limits.pool_timeout, Duration{2500ms});
  EXPECT_EQ(app.rules.mode, PoolMode::session);
  EXPECT_EQ(app.server_database, "shop");
  const std::vector<std::pair<std::string, std::string>> parameters = {
      {"application_name", "tidegate"}, {"search_path", "it's c"}};
  EXPECT_EQ(app.startup_parameters, parameters) << "the upstream's, then the route's own";
  EXPECT_EQ(config.routes.at(1).limits.pool_size, 2);
  EXPECT_EQ(config.routes.at(1).limits.pool_timeout, Duration{2500ms});
}

TEST(LoadToml, settings_override_parts_of_the_url_in_any_order) {
  const auto loaded = load(
      "[upstream.main]\nsslmode = \"require\"\nhost = \"other\"\n"
      "url = \"postgres://app:secret@db/shop?sslmode=disable&connect_timeout=3\"\n");
  ASSERT_EQ(format(loaded.problems), "");
  EXPECT_EQ(loaded.config.upstreams.at(0).ssl_mode, net::SslMode::require);
  EXPECT_EQ(loaded.config.upstreams.at(0).hosts.at(0).host, "other");
  EXPECT_EQ(loaded.config.upstreams.at(0).connect_timeout, Duration{3s});
}

TEST(LoadToml, unknown_keys_have_a_place_and_a_suggestion) {
  const std::pair<std::string, const char*> cases[] = {
      {"[pool]\npool_sise = 5\n", "4:1: error: unknown key `pool_sise`: did you mean `pool_size`?"},
      {"[route.x]\n  buget = 5\n", "4:3: error: unknown key `buget`"},
      {"[upstrem.y]\nurl = \"\"\n", "3:2: error: unknown key `upstrem`: did you mean `upstream`?"},
      {"[log]\nlevl = \"info\"\n", "4:1: error: unknown key `levl`: did you mean `level`?"},
      {"[user.a]\npasword = \"x\"\n",
       "4:1: error: unknown key `pasword`: did you mean `password`?"},
      {"zebra = 1\n", "3:1: error: unknown key `zebra`"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(problems(kMain + text).find(std::string("t.toml:") + expected + "\n"),
              std::string::npos)
        << text << problems(kMain + text);
  }
  EXPECT_EQ(problems(std::string("clients_mx = 1\n") + kMain),
            "t.toml:1:1: error: unknown key `clients_mx`: did you mean `clients_max`?\n");
}

TEST(LoadToml, a_setting_in_the_wrong_place_is_told_where_it_belongs) {
  const std::pair<std::string, const char*> cases[] = {
      {"pool_size = 5\n",
       "3:1: error: unknown key `pool_size`: it belongs in [pool] or [route.NAME]"},
      {"[route.x]\nbudget = 5\n",
       "4:1: error: unknown key `budget`: it belongs in [upstream.NAME]"},
      {"[pool]\nworkers = 5\n",
       "4:1: error: unknown key `workers`: it belongs at the top of the file, above all [...]"},
      {"[pool]\nclients_max = 5\n",
       "4:1: error: unknown key `clients_max`: it belongs at the top of the file, above all [...] "
       "or "
       "in [route.NAME] or in [user.NAME]"},
      {"[pool]\ndefault_pool_size = 5\n",
       "4:1: error: unknown key `default_pool_size`: PgBouncer's word; here it is `pool_size`, in "
       "[pool] or [route.NAME]"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(problems(kMain + text).find(std::string("t.toml:") + expected + "\n"),
              std::string::npos)
        << text << problems(kMain + text);
  }
}

TEST(LoadToml, a_wrong_url_is_one_error) {
  const auto said = problems(
      "[upstream.main]\nurl = \"postgres://app:secret@db:x/shop\"\npassword = \"p\"\n"
      "[user.a]\npassword = \"x\"\n");
  EXPECT_TRUE(said.starts_with("t.toml:2:7: error: `url` is wrong: ")) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST(LoadToml, wrong_values_have_a_place_and_say_what_would_be_right) {
  const std::pair<const char*, const char*> cases[] = {
      {"[pool]\npool_size = \"20\"",
       "4:13: error: `pool_size` must be an integer from 1 to 10000, not a string"},
      {"[pool]\npool_size = 0",
       "4:13: error: `pool_size` must be an integer from 1 to 10000, not `0`"},
      {"[pool]\npool_size = 2.5",
       "4:13: error: `pool_size` must be an integer from 1 to 10000, not a decimal number"},
      {"[pool]\npins_max = 0",
       "4:12: error: `pins_max` must be `auto` or an integer from 1 to 10000, not `0`"},
      {"[pool]\nlifo = \"yes\"", "4:8: error: `lifo` must be true or false, not a string"},
      {"[pool]\npool_mode = \"tx\"",
       "4:13: error: `pool_mode` must be `transaction`, `session` or `statement`, not `tx`"},
      {"[pool]\npool_timeout = \"soon\"", "4:16: error: `pool_timeout` must be a duration"},
      {"[pool]\npool_timeout = 1979-05-27", "4:16: error: `pool_timeout` must be a duration"},
      {"[pool]\nstatement_bytes_max = \"1TB\"",
       "4:23: error: `statement_bytes_max` must be a size"},
      {"[route.x]\nparameters = \"a=b\"", "4:14: error: `parameters` must be a table"},
      {"[route.x]\nparameters = { a = [1] }", "4:20: error: `parameters.a` must be a string"},
      {"[upstream.y]\nhost = [\"a\", 5]", "4:14: error: `host` must hold strings, not an integer"},
      {"[upstream.y]\nhost = [\"a,b\"]", "4:9: error: an item of `host` must not hold a comma"},
      {"[route]\nx = 5", "4:1: error: `x` must stand in a section of its own: [route.NAME]"},
      {"pool = 5", "3:1: error: `pool` must be a section: [pool]"},
      {"[user.\"\"]\npassword = \"p\"", "3:7: error: [user.\"\"] needs a name"},
      {"[user.x]\nclients_max = 5", "3:7: error: user `x` needs a `password`"},
      {"[user.x]\npassword = { path = \"/x\" }",
       "4:12: error: `password` must be text or { file = \"...\" }"},
      {"[route.pgbouncer]", "3:8: error: the name `pgbouncer` belongs to the console"},
  };
  for (const auto& [text, expected] : cases) {
    // The main section comes after globals in TOML only by name, so that `pool = 5` needs its own.
    const bool global = std::string_view(text).starts_with("pool =");
    const auto whole =
        global ? std::string("\n\n") + text + "\n" + kMain : kMain + std::string(text);
    EXPECT_NE(problems(whole).find(std::string("t.toml:") + expected), std::string::npos)
        << text << "\n"
        << problems(whole);
  }
}

TEST(LoadToml, broken_syntax_has_a_place) {
  EXPECT_TRUE(problems("listen = [\n").starts_with("t.toml:1:12: error: "))
      << problems("listen = [\n");
  const auto twice = problems(std::string(kMain) + "[route.a]\n[route.b]\n[route.a]\n");
  EXPECT_TRUE(twice.starts_with("t.toml:5:")) << "a route written twice: " << twice;
}

TEST(LoadToml, control_characters_are_refused_where_they_stand) {
  using namespace std::string_view_literals;
  for (const auto text :
       {"workers = 2\n [\0route]\n"sv, "workers = 2\n #\x1b"sv, "workers = 2\n \"\x7f\" = 1"sv}) {
    const auto loaded = load_toml(text, "t.toml", Sources{});
    ASSERT_EQ(loaded.problems.size(), 1u);
    EXPECT_EQ(loaded.problems[0].format(), "t.toml:2:3: error: a control character");
  }
}

TEST(LoadToml, routes_must_find_their_upstream) {
  const std::string two = std::string(kMain) + "[upstream.other]\nhost = \"h\"\n";
  EXPECT_NE(problems(two + "[route.x]\nupstream = \"mian\"\n")
                .find("t.toml:6:12: error: unknown upstream `mian`: did you mean `main`?\n"),
            std::string::npos);
  EXPECT_NE(problems(two + "[route.x]\n")
                .find("t.toml:5:8: error: route `x` must say which `upstream` it means\n"),
            std::string::npos);
  EXPECT_NE(problems("clients_max = 5\n").find("no database to pool for"), std::string::npos);
  EXPECT_NE(problems("[upstream.main]\nbudget = 5\n[user.a]\npassword = \"x\"\n")
                .find("t.toml:1:11: error: upstream `main` needs a `url` or a `host`"),
            std::string::npos);
}

// What is misspelt is not missing as well.
TEST(LoadToml, one_mistake_is_one_error) {
  const auto alone = [](const std::string& text, const std::string& expected) {
    const auto said = problems(text);
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_NE(said.find(expected), std::string::npos) << said;
  };
  const std::string main(kMain);
  alone(main + "[user.ann]\npasword = \"x\"\n", "did you mean `password`?");
  alone(main + "[user.ann]\npassword = 3\n", "`password` must be");
  alone("[upstream.main]\nhst = \"h\"\n[user.ann]\npassword = \"x\"\n", "did you mean `host`?");
  alone("[upstream.main]\nhost = \"h:abc\"\n[user.ann]\npassword = \"x\"\n", "`host` has a port");
  alone("[upstream.main]\nhost = \"h\"\npassword = \"p\"\nuser = 5\n[user.ann]\npassword = \"x\"\n",
        "`user` must be text");
  alone(
      "[upstrem.main]\nhost = \"h\"\n[user.ann]\npassword = \"x\"\n[route.a]\nupstream = "
      "\"main\"\n",
      "did you mean `upstream`?");
  alone(main + "[route.a]\nusr = \"u\"\npassword = \"x\"\n", "unknown key `usr`");
  alone(main + "[tls]\nsslmode = \"require\"\ncert_file = \"c\"\nkeyfile = \"k\"\n",
        "did you mean `key_file`?");
}

TEST(LoadToml, client_certificates_need_one_of_our_own) {
  EXPECT_EQ(problems(std::string(kMain) + "[tls]\nsslmode = \"verify-ca\"\nca_file = \"ca\"\n"),
            "t.toml:4:1: error: client certificates are only asked for with a `cert_file` and a "
            "`key_file`, not with a self-made certificate\n");
}

TEST(LoadToml, contradictions_are_warnings_that_say_why) {
  EXPECT_EQ(problems(std::string(kMain) + "budget = 10\n[route.shop]\npool_size = 11\n"),
            "t.toml:5:1: warning: route `shop` has a `pool_size` of 11, but upstream `main` has a "
            "budget of 10: that many is all it can get\n");
  EXPECT_EQ(problems(std::string(kMain) +
                     "budget = 5\n[pool]\npool_size = 4\nmin_idle = 3\nidle_timeout = 0\n"
                     "[route.a]\n[route.b]\n"),
            "t.toml:9:8: warning: the `min_idle` of all routes to `main` add up to 6, but its "
            "budget is 5: some will never be reached\n");
  EXPECT_EQ(problems(std::string(kMain) + "[route.\"*\"]\n"),
            "t.toml:3:8: warning: every database name that no other route has leads to `shop`\n");
}

TEST(LoadToml, pins_that_may_hold_every_server_are_a_warning) {
  const std::string main(kMain);
  EXPECT_EQ(
      problems(main + "[route.shop]\npool_size = 4\nmax_overflow = 1\npins_max = 5\n"),
      "t.toml:6:1: warning: route `shop` lets pinned clients hold 5 servers (`pins_max`), and "
      "that is all it may have: while they are idle everybody else waits; lower `pins_max`, "
      "or raise `pool_size`\n");
  EXPECT_EQ(problems(main + "[pool]\npool_size = 1\n[route.shop]\n"),
            "t.toml:5:8: warning: route `shop` has one server, which a pinned client may hold: "
            "while it is idle everybody else waits; raise `pool_size`, or write `pins_allowed = "
            "false`\n");
  EXPECT_EQ(problems(main + "budget = 4\n[route.shop]\npool_size = 4\nmax_overflow = 9\n"
                            "pins_max = 6\n")
                .substr(0, 55),
            "t.toml:7:1: warning: route `shop` lets pinned clients h");
  for (const char* fine : {"pool_size = 4\nmax_overflow = 2\npins_max = 5\n",
                           "pool_size = 4\npins_max = 4\npins_allowed = false\n",
                           "pool_size = 4\npins_max = 4\npool_mode = \"session\"\n",
                           "pool_size = 1\nmax_overflow = 1\n", "pool_size = 2\n"}) {
    EXPECT_EQ(problems(main + "[route.shop]\n" + fine), "") << fine;
  }
}

TEST(LoadToml, pins_of_all_routes_that_may_hold_the_whole_budget_are_a_warning) {
  const std::string main = std::string(kMain) + "budget = 6\n[pool]\npool_size = 4\n";
  EXPECT_EQ(problems(main + "pins_max = 3\n[route.a]\n[route.b]\n"),
            "t.toml:8:8: warning: the `pins_max` of all routes to `main` add up to 6, and its "
            "budget is 6: while pinned clients are idle everybody else may have to wait\n");
  EXPECT_EQ(problems(main + "[route.a]\n[route.b]\n"), "");
}

TEST(LoadToml, who_has_no_password_is_named_within_bounds) {
  const std::string main = "[auth]\ntype = \"trust\"\n[upstream.main]\nhost = \"h\"\n[route.d]\n";
  std::string users;
  for (int i = 1; i <= 3; ++i) users += fmt::format("[user.u{}]\ntrust = true\n", i);
  EXPECT_NE(problems(main + users).find("but of 3 users (`u1`, `u2`, `u3`) no password is stored"),
            std::string::npos)
      << problems(main + users);
  for (int i = 4; i <= 15; ++i) users += fmt::format("[user.u{}]\ntrust = true\n", i);
  const auto said = problems(main + users);
  EXPECT_EQ(said.find("u4`"), std::string::npos) << said;
  EXPECT_NE(said.find("of 15 users (`u1`, `u2`, `u3` and 12 more) no password"), std::string::npos)
      << said;
}

TEST(LoadToml, a_user_of_the_console_must_be_one) {
  const std::string users = "admin_users = [\"app\", \"admni\"]\nstats_users = [\"watcher\"]\n";
  const std::string admin = "[user]\napp.password = \"x\"\nadmin.password = \"x\"\n";
  EXPECT_EQ(problems(users + std::string(kMain) + admin),
            "t.toml:1:1: warning: `admin_users` has `admni`, but there is no such user: did you "
            "mean `admin`?\n"
            "t.toml:2:1: warning: `stats_users` has `watcher`, but there is no such user\n");
  EXPECT_EQ(problems("admin_users = [\"boss\"]\n[auth]\ntype = \"anyone\"\n" + std::string(kMain))
                .find("boss"),
            std::string::npos)
      << "everybody is a user there";
}

TEST(LoadToml, a_statement_that_is_kept_must_fit_in_what_a_client_may_keep) {
  const std::string text = std::string(kMain) + "[route.shop]\nstatement_bytes_max = ";
  EXPECT_EQ(problems(text + "\"16MB\"\n"), "");
  EXPECT_EQ(problems(text + "\"17MB\"\n"),
            "t.toml:4:1: warning: route `shop` has a `statement_bytes_max` above its "
            "`client_statement_bytes_max`: statements between the two are refused\n");
}

TEST(LoadToml, somebody_must_be_able_to_log_in) {
  EXPECT_NE(problems("[upstream.main]\nurl = \"postgres://h/d\"\n").find("nobody could log in"),
            std::string::npos);
}

TEST(LoadToml, secrets_come_from_variables_and_files) {
  const FakeSources fake = {.files = {{"/run/secrets/pw", "from file\r\n"}},
                            .variables = {{"PW", "p@ss"}}};
  const auto loaded = load(
      "[upstream.main]\nurl = \"postgres://app:${PW}@h/shop\"\n"
      "[user.a]\npassword = \"x${PW}\"\n[user.b]\npassword = { file = \"/run/secrets/pw\" }\n",
      fake);
  ASSERT_EQ(format(loaded.problems), "");
  EXPECT_EQ(loaded.config.upstreams.at(0).password, "p@ss");
  EXPECT_EQ(loaded.config.users.at(0).secret, "xp@ss");
  EXPECT_EQ(loaded.config.users.at(1).secret, "from file");

  const FakeSources whole = {.variables = {{"DATABASE_URL", "postgres://u:p%40@h/d"}}};
  EXPECT_EQ(load("[upstream.main]\nurl = \"${DATABASE_URL}\"\n", whole).config.users.at(0).secret,
            "p@");
}

TEST(LoadToml, a_missing_variable_or_file_is_named) {
  EXPECT_NE(problems("[upstream.main]\nurl = \"postgres://app:${PW}@h/shop\"\n")
                .find("t.toml:2:7: error: `url` needs the environment variable `PW`, which is not "
                      "set\n"),
            std::string::npos);
  EXPECT_EQ(problems(std::string(kMain) + "[user.a]\npassword = { file = \"/none\" }\n"),
            "t.toml:4:21: error: `password`: `/none` cannot be read: No such file or directory\n");
}

TEST(LoadToml, files_are_found_beside_the_configuration) {
  const FakeSources fake = {
      .files = {{"/etc/tidegate/pw", "x"}, {"/etc/tidegate/users.txt", "\"u\" \"s\"\n"}}};
  const auto loaded = load_toml(
      std::string("[auth]\nfile = \"users.txt\"\n[tls]\ncert_file = \"c.pem\"\nkey_file = "
                  "\"/k.pem\"\n[user.a]\npassword = { file = \"pw\" }\n") +
          kMain,
      "/etc/tidegate/tidegate.toml", fake.sources());
  ASSERT_EQ(format(loaded.problems), "");
  EXPECT_EQ(loaded.config.client_tls.cert_file, "/etc/tidegate/c.pem");
  EXPECT_EQ(loaded.config.client_tls.key_file, "/k.pem");
  EXPECT_EQ(loaded.config.users.size(), 2u);
}

TEST(LoadToml, users_written_out_win_over_the_auth_file) {
  const FakeSources fake = {.files = {{"users.txt", "\"a\" \"old\"\n\"b\" \"1\"\n\"b\" \"2\"\n"}}};
  const auto loaded = load(
      std::string("[auth]\nfile = \"users.txt\"\n[user.a]\npassword = \"new\"\n") + kMain, fake);
  ASSERT_EQ(format(loaded.problems), "");
  EXPECT_EQ(loaded.config.users,
            (std::vector<User>{{.name = "a", .secret = "new"}, {.name = "b", .secret = "2"}}));
  EXPECT_EQ(problems(std::string("[auth]\nfile = \"none\"\n") + kMain),
            "t.toml:2:1: error: `none` cannot be read: No such file or directory\n");
  const FakeSources broken = {.files = {{"users.txt", "\n\"a\"\n"}}};
  EXPECT_EQ(problems(std::string("[auth]\nfile = \"users.txt\"\n") + kMain, broken),
            "users.txt:2:4: error: the secret must stand in double quotes\n");
}

TEST(LoadToml, a_scram_key_cannot_log_in_to_the_database) {
  const auto text = problems(
      "[upstream.main]\nhost = \"h\"\n[route.d]\n[user.a]\npassword = "
      "\"SCRAM-SHA-256$4096:x$y:z\"\n");
  EXPECT_TRUE(text.starts_with("t.toml:3:8: warning: route `d` logs in as the client's own user"))
      << text;
}

TEST(LoadToml, an_md5_hash_logs_in_where_md5_is_asked_for_only) {
  const std::string hash = "md5" + std::string(32, '0');
  const FakeSources fake = {.files = {{"users.txt", "\"a\" \"" + hash + "\"\n"}}};
  const std::string text = "[auth]\nfile = \"users.txt\"\n[upstream.main]\nhost = \"h\"\n";
  const auto own = problems(text + "[route.d]\n", fake);
  EXPECT_TRUE(
      own.starts_with("t.toml:5:8: warning: route `d` logs in as the client's own user, but "
                      "of 1 user (`a`) only an md5 hash is stored, which a database accepts that "
                      "asks for md5, and none that asks for scram-sha-256"))
      << own;
  EXPECT_EQ(problems(text + "user = \"u\"\npassword = \"p\"\n[route.d]\n", fake), "");
  EXPECT_EQ(problems("stats_users = [\"a\"]\n" + text + "[route.d]\n", fake), "")
      << "who only looks at the console has no need of it";
  EXPECT_NE(problems(text + "user = \"u\"\npassword = \"" + hash + "\"\n[route.d]\n", fake)
                .find("t.toml:6:1: warning: this password is an md5 hash"),
            std::string::npos);
}

TEST(LoadToml, a_scram_key_is_no_password_to_log_in_with) {
  EXPECT_NE(problems("[upstream.main]\nhost = \"h\"\nuser = \"u\"\n"
                     "password = \"SCRAM-SHA-256$4096:x$y:z\"\n[user.a]\npassword = \"x\"\n")
                .find("t.toml:4:1: error: this password is a SCRAM key"),
            std::string::npos);
}

TEST(LoadToml, whoever_needs_no_password_is_said) {
  EXPECT_EQ(problems("[auth]\ntype = \"anyone\"\n" + std::string(kMain)),
            "t.toml:2:1: warning: nobody is asked for a password: whoever reaches `127.0.0.1:6432` "
            "may use every database under any name\n");
  EXPECT_EQ(problems("[auth]\ntype = \"trust\"\n" + std::string(kMain)),
            "t.toml:2:1: warning: nobody is asked for a password: whoever reaches `127.0.0.1:6432` "
            "may use every user written down\n");
}

TEST(LoadToml, no_problem_repeats_a_secret) {
  for (const char* text :
       {"url = \"postgres://app:hunter2@h:x/d\"", "url = \"postgres://app:hunter2/@h/d\"",
        "password = [\"hunter2\"]", "url = \"hunter2\"",
        "url = \"postgres://app:hunter2@h/d?hunter=hunter2\""}) {
    const auto said = problems(std::string("[upstream.main]\nhost = \"h\"\n") + text + "\n");
    EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace tidegate::config
