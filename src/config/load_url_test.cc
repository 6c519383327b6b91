#include <gtest/gtest.h>

#include "config/fake_sources.h"
#include "config/load.h"

namespace tidegate::config {
namespace {

Loaded load(const std::string& url) {
  return load_upstream_url(url, FakeSources{}.sources());
}

TEST(LoadUrl, one_url_is_a_whole_configuration) {
  const auto loaded = load("postgres://app:pa%40ss@db.example.com:5433/shop?sslmode=require");
  ASSERT_EQ(format(loaded.problems), "");
  const auto& config = loaded.config;
  EXPECT_EQ(config.listen, std::vector<Listen>{Listen{}});
  EXPECT_EQ(config.listen[0].host, "127.0.0.1");
  EXPECT_EQ(config.auth_type, AuthType::any_stored);
  ASSERT_EQ(config.upstreams.size(), 1u);
  const auto& upstream = config.upstreams[0];
  EXPECT_EQ(upstream.hosts, (std::vector<net::Target>{{"db.example.com", 5433}}));
  EXPECT_EQ(upstream.user, "app");
  EXPECT_EQ(upstream.password, "pa@ss");
  EXPECT_EQ(upstream.database, "shop");
  EXPECT_EQ(upstream.ssl_mode, net::SslMode::require);
  ASSERT_EQ(config.routes.size(), 1u);
  EXPECT_EQ(config.routes[0].database, "shop");
  EXPECT_EQ(config.routes[0].upstream, upstream.name);
  EXPECT_EQ(config.users, (std::vector<User>{{.name = "app", .secret = "pa@ss"}}));
  EXPECT_FALSE(config.users[0].trust) << "trust is never implied";
}

TEST(LoadUrl, needs_a_user_and_a_password) {
  for (const char* url : {"postgres://host/db", "postgres://app@host/db", "postgres://app:@host/db",
                          "postgres://:pw@host/db", "postgres:///db?host=/run/postgresql"}) {
    const auto loaded = load(url);
    EXPECT_FALSE(loaded.usable()) << url;
    EXPECT_NE(format(loaded.problems).find("--config FILE"), std::string::npos)
        << format(loaded.problems);
    EXPECT_TRUE(loaded.config.users.empty());
  }
}

TEST(LoadUrl, no_database_is_the_one_named_like_the_user) {
  const auto loaded = load("postgres://app:pw@host");
  EXPECT_EQ(loaded.config.routes.at(0).database, "app");
}

TEST(LoadUrl, knows_several_hosts_ipv6_and_unix_sockets) {
  using Targets = std::vector<net::Target>;
  EXPECT_EQ(load("postgres://u:p@a:1,b/d").config.upstreams.at(0).hosts,
            (Targets{{"a", 1}, {"b", 5432}}));
  EXPECT_EQ(load("postgres://u:p@[::1]:7/d").config.upstreams.at(0).hosts, (Targets{{"::1", 7}}));
  EXPECT_EQ(load("postgres://u:p@%2Frun%2Fpg/d").config.upstreams.at(0).hosts,
            (Targets{{"/run/pg", 5432}}));
  EXPECT_EQ(load("postgres://u:p@/d?host=/run/pg&port=7").config.upstreams.at(0).hosts,
            (Targets{{"/run/pg", 7}}));
  EXPECT_EQ(load("postgres://u:p@/d").config.upstreams.at(0).hosts, (Targets{{"localhost", 5432}}));
}

TEST(LoadUrl, reads_the_words_of_libpq) {
  const auto loaded = load(
      "postgres://u:p@h/d?sslmode=verify-ca&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem"
      "&connect_timeout=3&application_name=shop&options=-c%20search_path%3Dx"
      "&ssl_min_protocol_version=TLSv1.3&channel_binding=disable&gssencmode=disable");
  ASSERT_EQ(format(loaded.problems), "");
  const auto& upstream = loaded.config.upstreams.at(0);
  EXPECT_EQ(upstream.tls.ca_file, "/ca.pem");
  EXPECT_EQ(upstream.tls.cert_file, "/c.pem");
  EXPECT_EQ(upstream.tls.key_file, "/k.pem");
  EXPECT_EQ(upstream.tls.min_version, "1.3");
  EXPECT_TRUE(upstream.tls.verify_peer);
  EXPECT_FALSE(upstream.tls.verify_name);
  EXPECT_FALSE(upstream.channel_binding);
  EXPECT_EQ(upstream.connect_timeout, Duration{3s});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"application_name", "shop"}, {"options", "-c search_path=x"}};
  EXPECT_EQ(loaded.config.routes.at(0).startup_parameters, expected);
}

TEST(LoadUrl, tls_verifies_as_libpq_does) {
  const auto tls = [](const std::string& query) {
    return load("postgres://u:p@h/d?" + query).config.upstreams.at(0);
  };
  EXPECT_EQ(tls("x=1").ssl_mode, net::SslMode::prefer);
  EXPECT_EQ(tls("sslmode=require&sslrootcert=/ca").ssl_mode, net::SslMode::verify_ca);
  EXPECT_EQ(tls("sslmode=verify-full").tls.ca_file, "system");
  EXPECT_TRUE(tls("sslmode=verify-full").tls.verify_name);
  EXPECT_EQ(tls("ssl=true").ssl_mode, net::SslMode::require);
  EXPECT_EQ(tls("sslaccept=strict&sslmode=require").ssl_mode, net::SslMode::verify_full);
  EXPECT_EQ(tls("sslaccept=accept_invalid_certs&sslmode=require").ssl_mode, net::SslMode::require);
  for (const char* asked : {"ssl=true", "ssl=1", "ssl=ON", "ssl=yes", "ssl=require"}) {
    EXPECT_EQ(tls(asked).ssl_mode, net::SslMode::require) << asked;
  }
  EXPECT_EQ(tls("ssl=verify-full").ssl_mode, net::SslMode::verify_full);
  EXPECT_EQ(tls("ssl=verify-ca&sslmode=require").ssl_mode, net::SslMode::verify_ca);
  EXPECT_EQ(tls("ssl=0&sslmode=require").ssl_mode, net::SslMode::require);
  EXPECT_EQ(tls("ssl=disable").ssl_mode, net::SslMode::disable);
  EXPECT_EQ(tls("ssl=false").ssl_mode, net::SslMode::prefer);
  EXPECT_FALSE(tls("channel_binding=Disable").channel_binding);
  EXPECT_TRUE(tls("channel_binding=prefer").channel_binding);
  EXPECT_EQ(tls("connect_timeout=0").connect_timeout, Upstream{}.connect_timeout);
}

TEST(LoadUrl, several_hosts_are_asked_in_order_unless_told_otherwise) {
  const auto order = [](const std::string& query) {
    const auto loaded = load("postgres://u:p@h,i/d?" + query);
    EXPECT_EQ(format(loaded.problems), "") << query;
    return loaded.config.upstreams.at(0).host_order;
  };
  EXPECT_EQ(order("sslmode=require"), HostOrder::as_written);
  EXPECT_EQ(order("load_balance_hosts=disable"), HostOrder::as_written);
  EXPECT_EQ(order("load_balance_hosts=random"), HostOrder::in_turn);
  EXPECT_EQ(order("load_balance_hosts=round-robin"), HostOrder::in_turn);
  EXPECT_NE(format(load("postgres://u:p@h,i/d?load_balance_hosts=on").problems)
                .find("`load_balance_hosts` must be"),
            std::string::npos);
}

TEST(LoadUrl, reads_the_words_of_the_pool) {
  const auto loaded = load(
      "postgres://u:p@h/d?pool_size=30&max_overflow=10&pool_timeout=5&pool_recycle=280s"
      "&pool_pre_ping=false&pool_mode=session");
  ASSERT_EQ(format(loaded.problems), "");
  const auto& route = loaded.config.routes.at(0);
  EXPECT_EQ(route.limits.pool_size, 30);
  EXPECT_EQ(route.limits.max_overflow, 10);
  EXPECT_EQ(route.limits.pool_timeout, Duration{5s});
  EXPECT_EQ(route.limits.recycle, Duration{280s});
  EXPECT_FALSE(route.limits.pre_ping);
  EXPECT_EQ(route.rules.mode, PoolMode::session);
  EXPECT_EQ(loaded.config.upstreams.at(0).limits.budget, 40) << "so that the pool can be reached";
}

TEST(LoadUrl, a_written_budget_stands) {
  const auto loaded = load("postgres://u:p@h/d?pool_size=30&budget=5");
  EXPECT_EQ(loaded.config.upstreams.at(0).limits.budget, 5);
  EXPECT_TRUE(loaded.usable());
  EXPECT_NE(format(loaded.problems).find("budget of 5"), std::string::npos);
}

TEST(LoadUrl, ignores_what_steers_a_driver_and_names_what_it_does_not_know) {
  EXPECT_EQ(format(load("postgres://u:p@h/d?pgbouncer=true&connection_limit=1&schema=public"
                        "&statement_cache_size=0&target_session_attrs=any")
                       .problems),
            "");
  EXPECT_EQ(format(load("postgres://u:p@h/d?currentSchema=x").problems),
            "warning: unknown parameter `currentSchema` in the URL is ignored\n");
  EXPECT_EQ(format(load("postgres://u:p@h/d?channel_binding=require").problems),
            "warning: `channel_binding=require` is treated as `prefer`: it is used if the server "
            "offers it\n");
  EXPECT_EQ(format(load("postgres://u:p@h/d?target_session_attrs=read-write").problems),
            "warning: `target_session_attrs` is ignored: any host will do that answers\n");
}

// libpq refuses them too: `sslmod=require` would otherwise connect in clear.
TEST(LoadUrl, refuses_a_misspelt_parameter) {
  for (const auto& [misspelt, meant] : std::vector<std::pair<std::string, std::string>>{
           {"sslmod", "sslmode"},
           {"ssl_mode", "sslmode"},
           {"sslMode", "sslmode"},
           {"ssl-root-cert", "sslrootcert"},
           {"chanel_binding", "channel_binding"},
           {"pool_sise", "pool_size"},
           {"aplication_name", "application_name"},
           {"passwrod", "password"},
           {"dbnme", "dbname"},
           {"target_sesion_attrs", "target_session_attrs"}}) {
    const auto loaded = load("postgres://u:p@h/d?" + misspelt + "=require");
    EXPECT_FALSE(loaded.usable()) << misspelt;
    EXPECT_EQ(format(loaded.problems), "error: unknown parameter `" + misspelt +
                                           "` in the URL: did you mean `" + meant + "`?\n");
  }
}

// They are other tools' own words, however near they come to one of ours.
TEST(LoadUrl, only_warns_of_words_of_other_tools) {
  for (const char* word : {"sslcrl",
                           "sslcrldir",
                           "sslpassword",
                           "sslcertmode",
                           "ssl_max_protocol_version",
                           "require_auth",
                           "requirepeer",
                           "service",
                           "replication",
                           "connectTimeout",
                           "idleTimeout",
                           "poolTimeout",
                           "socketTimeout",
                           "currentSchema",
                           "prepared_statements",
                           "lock_timeout",
                           "statement_timeout",
                           "command_timeout",
                           "max_lifetime",
                           "pool",
                           "max",
                           "min",
                           "encoding",
                           "statement_cache_capacity",
                           "pool_max_conn_lifetime",
                           "search_path",
                           "timezone",
                           "role",
                           "database",
                           "binary_parameters",
                           "schemas",
                           "pgbounce"}) {
    const auto loaded = load("postgres://u:p@h/d?" + std::string(word) + "=1");
    EXPECT_TRUE(loaded.usable()) << word;
    EXPECT_TRUE(format(loaded.problems)
                    .starts_with("warning: unknown parameter `" + std::string(word) + "` in the"))
        << format(loaded.problems);
  }
}

TEST(LoadUrl, refuses_wrong_values_without_repeating_secrets) {
  for (const auto& [url, reason] : std::vector<std::pair<std::string, std::string>>{
           {"postgres://u:hunter2@h:x/d", "port"},
           {"postgres://u:hunter2@h/d?pool_size=0", "`pool_size` must be an integer"},
           {"postgres://u:hunter2@h/d?sslmode=on", "`sslmode` must be"},
           {"postgres://u:hunter2@h/d?ssl=verify_full", "`ssl` must be"},
           {"postgres://u:hunter2@h/d?ssl=", "`ssl` must be"},
           {"postgres://u:hunter2@h/d?sslaccept=stict", "`sslaccept` must be"},
           {"postgres://u:hunter2@h/d?channel_binding=off", "`channel_binding` must be"},
           {"postgres://u:hunter2@h/d?pool_timeout=soon", "`pool_timeout` must be a duration"},
           {"mysql://u:hunter2@h/d", "not a mysql://"},
           {"hunter2", "must begin with postgres://"},
           {"postgres://u:hun@ter2@h/d", "%40"}}) {
    const auto loaded = load(url);
    EXPECT_FALSE(loaded.usable()) << url;
    const auto text = format(loaded.problems);
    EXPECT_NE(text.find(reason), std::string::npos) << url << " said " << text;
    EXPECT_EQ(text.find("hun"), std::string::npos) << text;
    EXPECT_EQ(text.find("ter2"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace tidegate::config
