#include <gtest/gtest.h>

#include "config/fake_sources.h"
#include "config/load.h"

namespace tidegate::config {
namespace {

const FakeSources kFake = {
    .files = {{"users.txt",
               "\"app\" \"secret\"\n\"key\" "
               "\"SCRAM-SHA-256$4096:QUJD$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n"},
              {"more.ini", "default_pool_size = 7\n[databases]\nextra = host=h2\n"},
              {"none.txt", ""},
              {"loop.ini", "%include loop.ini\n"}},
    .variables = {}};

Loaded load(const std::string& text) {
  return load_pgbouncer_ini(text, "p.ini", kFake.sources());
}
std::string problems(const std::string& text) {
  return format(load(text).problems);
}

// A usable file whose [pgbouncer] section ends with `settings`, which begin on line 5.
std::string with(const std::string& settings) {
  return "[databases]\napp = host=h user=u password=p\n[pgbouncer]\nauth_file = users.txt\n" +
         settings + "\n";
}

const Route& route(const Loaded& loaded, const std::string& name) {
  for (const auto& one : loaded.config.routes) {
    if (one.database == name) return one;
  }
  throw std::out_of_range(name);
}

TEST(LoadIni, has_the_defaults_of_pgbouncer) {
  const auto loaded = load(with(""));
  ASSERT_EQ(format(loaded.problems), "");
  const auto& config = loaded.config;
  EXPECT_EQ(config.listen, (std::vector<Listen>{{"/tmp", 6432}})) << "no listen_addr, no TCP";
  EXPECT_EQ(config.clients_max, 100);
  EXPECT_EQ(config.auth_type, AuthType::md5);
  EXPECT_EQ(config.client_ssl_mode, net::SslMode::disable);
  const auto& app = route(loaded, "app");
  EXPECT_EQ(app.rules.mode, PoolMode::session);
  EXPECT_EQ(app.limits.pool_size, 20);
  EXPECT_EQ(app.limits.pool_timeout, Duration{120s});
  EXPECT_EQ(app.limits.recycle, Duration{3600s});
  EXPECT_EQ(app.limits.idle_timeout, Duration{600s});
  EXPECT_EQ(app.rules.server_statements_max, 200);
  const auto& upstream = config.upstreams.at(0);
  EXPECT_EQ(upstream.ssl_mode, net::SslMode::prefer);
  EXPECT_EQ(upstream.connect_timeout, Duration{15s});
  EXPECT_EQ(upstream.limits.retry_max, Duration{15s});
}

TEST(LoadIni, reads_the_settings_that_exist_here) {
  const auto loaded = load(with(
      "listen_addr = 127.0.0.1, ::1\nlisten_port = 7000\nunix_socket_dir = /run/x\n"
      "unix_socket_mode = 0770\npool_mode = transaction\nmax_client_conn = 500\n"
      "default_pool_size = 9\nreserve_pool_size = 3\nmin_pool_size = 1\nserver_lifetime = 0\n"
      "server_round_robin = 1\nserver_check_query =\ntcp_user_timeout = 1500\nverbose = 2\n"
      "auth_type = plain\nadmin_users = a, b\nserver_tls_sslmode = verify-full\n"
      "server_tls_ca_file = /ca.pem\nclient_tls_protocols = tlsv1.3\nlogfile = /var/log/x\n"
      "server_tls_ciphers = HIGH:!aNULL\nclient_tls_ciphers = secure\nserver_idle_timeout = 0.5"));
  EXPECT_EQ(format(loaded.problems),
            "p.ini:2:1: warning: route `app` keeps 1 idle: a serverless database will not fall "
            "asleep\n"
            "p.ini:20:15: warning: `admin_users` has `a`, but there is no such user\n"
            "p.ini:20:15: warning: `admin_users` has `b`, but there is no such user\n");
  const auto& config = loaded.config;
  EXPECT_EQ(config.listen,
            (std::vector<Listen>{
                {"127.0.0.1", 7000, 0770}, {"::1", 7000, 0770}, {"/run/x", 7000, 0770}}));
  EXPECT_EQ(config.clients_max, 500);
  EXPECT_EQ(config.auth_type, AuthType::cleartext);
  EXPECT_TRUE(config.cleartext_over_plain);
  EXPECT_EQ(config.tcp_user_timeout, Duration{1500ms});
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_EQ(config.log_file, "/var/log/x");
  EXPECT_EQ(config.admin_users, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.client_tls.min_version, "1.3");
  EXPECT_EQ(config.client_tls.ciphers, "");
  const auto& app = route(loaded, "app");
  EXPECT_EQ(app.rules.mode, PoolMode::transaction);
  EXPECT_EQ(app.limits.pool_size, 9);
  EXPECT_EQ(app.limits.max_overflow, 3);
  EXPECT_EQ(app.limits.min_idle, 1);
  EXPECT_EQ(app.limits.recycle, Duration{1ns}) << "used once";
  EXPECT_EQ(app.limits.idle_timeout, Duration{500ms});
  EXPECT_FALSE(app.limits.lifo);
  EXPECT_FALSE(app.limits.pre_ping);
  const auto& upstream = config.upstreams.at(0);
  EXPECT_EQ(upstream.ssl_mode, net::SslMode::verify_full);
  EXPECT_EQ(upstream.tls.ca_file, "/ca.pem");
  EXPECT_EQ(upstream.tls.ciphers, "HIGH:!aNULL");
  EXPECT_TRUE(upstream.tls.verify_name);
}

// Debian's file as it is installed: comments in [databases], and an empty auth_file.
TEST(LoadIni, a_file_without_databases_is_one_warning) {
  for (const char* users : {"none.txt", "users.txt"}) {
    const auto text =
        std::string("[databases]\n;; foodb =\n[users]\n[pgbouncer]\nauth_file = ") + users;
    const auto loaded = load(text + "\nauth_type = md5\n");
    EXPECT_TRUE(loaded.usable());
    EXPECT_EQ(format(loaded.problems),
              "p.ini: warning: [databases] has no line: every client is told that there is no such "
              "database, until one is written and Tidegate is started again\n");
    EXPECT_TRUE(loaded.config.routes.empty());
  }
  EXPECT_NE(problems("[databases]\na = host=h\n[pgbouncer]\nauth_file = none.txt\n")
                .find("error: nobody could log in"),
            std::string::npos);
}

TEST(LoadIni, words_count_in_any_case) {
  const auto loaded = load(with(
      "pool_mode = Transaction\nauth_type = Scram-SHA-256\nserver_tls_sslmode = Disable\n"
      "log_connections = No\nserver_round_robin = YES\nserver_reset_query = discard all\n"
      "client_tls_protocols = TLSv1.3\nserver_tls_protocols = Secure\n"
      "client_tls_ciphers = Fast\nserver_tls_ciphers = DEFAULT\n"
      "[databases]\nb = host=h user=u password=p pool_mode=STATEMENT load_balance_hosts=Disable"));
  ASSERT_EQ(format(loaded.problems), "");
  const auto& config = loaded.config;
  EXPECT_EQ(route(loaded, "app").rules.mode, PoolMode::transaction);
  EXPECT_FALSE(route(loaded, "app").limits.lifo);
  EXPECT_EQ(route(loaded, "b").rules.mode, PoolMode::statement);
  EXPECT_EQ(config.auth_type, AuthType::scram_sha_256);
  EXPECT_EQ(config.upstreams.at(0).ssl_mode, net::SslMode::disable);
  EXPECT_FALSE(config.log_connections);
  EXPECT_EQ(config.client_tls.min_version, "1.3");
  EXPECT_EQ(config.client_tls.ciphers, "");
  EXPECT_EQ(config.upstreams.at(0).tls.ciphers, "");
  EXPECT_NE(problems(with("auth_type = HBA")).find("`HBA` is not available here"),
            std::string::npos);
  for (const char* older : {"Legacy", "TLSv1.2:TLSv1.1", "tlsv1, tlsv1.3"}) {
    EXPECT_NE(problems(with(std::string("server_tls_protocols = ") + older)).find("TLS below 1.2"),
              std::string::npos)
        << older;
  }
}

TEST(LoadIni, reads_the_lines_of_databases) {
  const auto loaded = load(
      "[databases]\n"
      "app = host=h1 port=5433 dbname='my ''db''' pool_size=3 pool_mode=statement\n"
      "forced = host=h1 port=5433 user=app timezone=UTC query_wait_timeout=5 "
      "application_name='a b'\n"
      "\"odd \"\"name\" = host=/run/pg user=u password=p max_db_client_connections=4\n"
      "* = user=u password=p\n"
      "[pgbouncer]\nunix_socket_dir = /sock\nauth_file = users.txt\n");
  const auto& config = loaded.config;
  EXPECT_TRUE(loaded.usable()) << format(loaded.problems);
  EXPECT_EQ(route(loaded, "app").server_database, "my 'db'");
  EXPECT_EQ(route(loaded, "app").limits.pool_size, 3);
  EXPECT_EQ(route(loaded, "app").rules.mode, PoolMode::statement);
  const auto& forced = route(loaded, "forced");
  EXPECT_EQ(forced.server_user, "app");
  EXPECT_EQ(forced.server_password, "secret") << "from auth_file";
  EXPECT_EQ(forced.limits.pool_timeout, Duration{5s});
  EXPECT_EQ(forced.startup_parameters, (std::vector<std::pair<std::string, std::string>>{
                                           {"timezone", "UTC"}, {"application_name", "a b"}}));
  EXPECT_EQ(route(loaded, "odd \"name").clients_max, 4);
  ASSERT_EQ(config.upstreams.size(), 3u) << "one per host and port";
  EXPECT_EQ(config.upstreams[0].hosts, (std::vector<net::Target>{{"h1", 5433}}));
  EXPECT_EQ(config.upstreams[1].hosts, (std::vector<net::Target>{{"/run/pg", 5432}}));
  EXPECT_EQ(config.upstreams[2].hosts, (std::vector<net::Target>{{"/sock", 5432}}));
}

TEST(LoadIni, a_budget_is_what_the_pools_could_ask_for) {
  const auto loaded = load(
      "[databases]\na = host=h pool_size=5\nb = host=h user=u password=p pool_size=3\n"
      "c = host=h max_db_connections=4 user=u password=p\nd = host=other\n* = host=any\n"
      "[pgbouncer]\nauth_file = users.txt\nmax_client_conn = 60\nreserve_pool_size = 1\n");
  const auto budget = [&](const std::string& name) {
    for (const auto& upstream : loaded.config.upstreams) {
      if (upstream.name == route(loaded, name).upstream) return upstream.limits.budget;
    }
    return -1;
  };
  EXPECT_EQ(budget("a"), 2 * (5 + 1) + 1 * (3 + 1)) << "two users; one forced user";
  EXPECT_EQ(budget("a"), budget("b"));
  EXPECT_EQ(budget("c"), 4) << "exact, in an upstream of its own";
  EXPECT_EQ(budget("*"), 60) << "never more servers at work than clients";
}

TEST(LoadIni, users_have_limits) {
  const auto loaded =
      load(with("max_user_client_connections = 9\n[users]\n"
                "key = max_user_client_connections=3\nghost = pool_size=3"));
  EXPECT_EQ(format(loaded.problems), "p.ini:8:1: warning: user `ghost` is not in `auth_file`\n");
  EXPECT_EQ(loaded.config.users.at(0).clients_max, 9);
  EXPECT_EQ(loaded.config.users.at(1).clients_max, 3);
}

TEST(LoadIni, names_what_has_no_effect_once_and_only_when_it_matters) {
  EXPECT_EQ(problems(with("server_reset_query = DISCARD ALL\npkt_buf = 65536\nquery_timeout = 0\n"
                          "tcp_socket_buffer = 0\nignore_startup_parameters = extra_float_digits\n"
                          "server_check_query = select 1")),
            "");
  EXPECT_EQ(
      problems(with("client_idle_timeout = 60")),
      "p.ini:5:1: warning: `client_idle_timeout` has no effect here: clients and transactions "
      "are not ended for being idle or slow; PostgreSQL can do it itself "
      "(`statement_timeout`, `idle_in_transaction_session_timeout`)\n");
  EXPECT_EQ(problems(with("max_prepared_statements = 0")),
            "p.ini:5:27: warning: `max_prepared_statements` cannot be switched off here: it stays "
            "200\n");
  EXPECT_EQ(problems(with("[peers]\n1 = host=x\n2 = host=y")),
            "p.ini:6:1: warning: section [peers] has no effect here\n");
}

TEST(LoadIni, what_is_wrong_has_a_place_and_a_suggestion) {
  const std::pair<const char*, const char*> cases[] = {
      {"max_clint_conn = 5",
       "5:1: error: PgBouncer has no setting `max_clint_conn`: did you mean `max_client_conn`?"},
      {"max_client_conn =  five",
       "5:20: error: `max_client_conn` must be an integer from 1 to 1000000, not `five`"},
      {"auth_type = hba", "5:13: error: `auth_type` `hba` is not available here"},
      {"pool_mode = fast", "5:13: error: `pool_mode` must be `transaction`"},
      {"nonsense", "5:1: error: neither [section] nor `key = value`"},
      {"  [broken", "5:3: error: the section's name lacks its `]`"},
      {"%include", "5:1: error: only `%include FILE` may begin with `%`"},
      {"%include none.ini", "5:1: error: `none.ini` cannot be read: No such file or directory"},
      {"%include loop.ini", "loop.ini:1:1: error: more than 10 files include each other"},
      {"[databases]\nx = host=h  prot=5", "6:13: error: unknown key `prot`: did you mean `port`?"},
      {"[databases]\nx = host=h port=70000", "6:5: error: `port` must be"},
      {"unix_socket_dir =\n[databases]\nold =\n",
       "7:1: error: database `old` needs a `host`: the `unix_socket_dir` that it would be without "
       "one is empty"},
      {"[databases]\nx = host='' user=u password=p", "6:1: error: database `x` needs a `host`"},
      {"[databases]\nx = host='h", "6:5: error: the quote of `host` is not closed"},
      {"[databases]\nx = host=h,i user=u password=p load_balance_hosts=random",
       "6:32: error: `load_balance_hosts` must be `disable` or `round-robin`, not `random`"},
      {"[databases]\nx = host=h pool_size=0", "6:12: error: `pool_size` must be"},
      {"[databases]\npgbouncer = host=h", "6:1: error: the name `pgbouncer` belongs"},
      {"[databases]\napp = host=h user=u password=p",
       "6:1: warning: database `app` is written twice: this line counts"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(problems(with(text)).find(expected), std::string::npos) << text << "\n"
                                                                      << problems(with(text));
  }
}

TEST(LoadIni, a_database_without_a_host_is_one_mistake_in_the_words_of_the_ini) {
  const std::string none = "unix_socket_dir =\n[databases]\n";
  const auto said = problems(with(none + "old = max_db_connections=3"));
  EXPECT_NE(said.find("p.ini:7:1: error: database `old` needs a `host`"), said.npos) << said;
  EXPECT_EQ(said.find("upstream"), said.npos) << said;
  const auto mistyped = problems(with(none + "x = hots=h"));
  EXPECT_NE(mistyped.find("unknown key `hots`"), mistyped.npos) << mistyped;
  EXPECT_EQ(mistyped.find("needs a"), mistyped.npos) << mistyped;
}

TEST(LoadIni, several_hosts_go_in_turn_unless_told_otherwise) {
  const auto loaded =
      load(with("[databases]\na = host=h,i user=u password=p\nb = host=h,i user=u password=p\n"
                "c = host=h,i user=u password=p load_balance_hosts=disable\n"
                "d = host=h,i user=u password=p load_balance_hosts=round-robin"));
  ASSERT_EQ(format(loaded.problems), "");
  const auto order = [&](const std::string& database) {
    for (const auto& upstream : loaded.config.upstreams) {
      if (upstream.name == route(loaded, database).upstream) return upstream.host_order;
    }
    throw std::runtime_error("no such upstream");
  };
  EXPECT_EQ(order("a"), HostOrder::in_turn);
  EXPECT_EQ(order("c"), HostOrder::as_written);
  EXPECT_EQ(route(loaded, "a").upstream, route(loaded, "b").upstream);
  EXPECT_EQ(route(loaded, "a").upstream, route(loaded, "d").upstream);
  EXPECT_EQ(route(loaded, "c").upstream, "c") << "it says of its upstream what others do not";
}

TEST(LoadIni, includes_files) {
  const auto loaded = load(with("%include more.ini"));
  EXPECT_EQ(route(loaded, "app").limits.pool_size, 7);
  EXPECT_EQ(route(loaded, "extra").upstream, "h2:5432");
}

TEST(LoadIni, any_user_needs_a_login_for_every_database) {
  const auto with_login =
      problems("[databases]\na = host=h user=u password=p\n[pgbouncer]\nauth_type = any\n");
  EXPECT_EQ(with_login.find("error"), std::string::npos) << with_login;
  EXPECT_NE(with_login.find("nobody is asked for a password"), std::string::npos) << with_login;
  EXPECT_TRUE(problems("[databases]\na = host=h\n[pgbouncer]\nauth_type = any\n")
                  .starts_with("p.ini:2:1: error: route `a` must name a `user`, because clients "
                               "have none with this auth type\n"));
}

TEST(LoadPgbouncerIni, nobody_is_shed) {
  const auto loaded = load("[databases]\na = host=h\n[pgbouncer]\nauth_type = any\n");
  EXPECT_FALSE(loaded.config.routes.at(0).limits.shed);
}

}  // namespace
}  // namespace tidegate::config
