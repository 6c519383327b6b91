#include "proxy/routes.h"

#include <gtest/gtest.h>

namespace tidegate::proxy {
namespace {

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() {
    config_.upstreams = {{.name = "own", .hosts = {{"a", 5432}}},
                         {.name = "shared",
                          .hosts = {{"/run/db", 5432}},
                          .ssl_mode = net::SslMode::require,
                          .user = "pooler",
                          .password = "poolers",
                          .database = "main"}};
    config_.routes = {{.database = "plain", .upstream = "own"},
                      {.database = "app", .upstream = "shared"},
                      {.database = "forced",
                       .upstream = "shared",
                       .server_database = "real",
                       .server_user = "fixed",
                       .server_password = "fixeds"},
                      {.database = "*", .upstream = "own"}};
    routes_ = std::move(*Routes::make(config_, 2, 1));
  }
  std::shared_ptr<Route> find(const std::string& database, const std::string& user) {
    auto route = routes_->find(database, user, user + "s");
    return route ? *route : nullptr;
  }

  config::Config config_;
  std::unique_ptr<Routes> routes_;
};

TEST_F(RoutesTest, AClientsOwnUserUnlessAnotherIsConfigured) {
  const auto own = find("plain", "ann");
  EXPECT_EQ(own->server_rules().user, "ann");
  EXPECT_EQ(own->server_rules().password, "anns");
  EXPECT_EQ(own->server_rules().database, "plain");
  const auto shared = find("app", "ann");
  EXPECT_EQ(shared->server_rules().user, "pooler");
  EXPECT_EQ(shared->server_rules().password, "poolers");
  EXPECT_EQ(shared->server_rules().database, "main");
  const auto forced = find("forced", "ann");
  EXPECT_EQ(forced->server_rules().user, "fixed");
  EXPECT_EQ(forced->server_rules().password, "fixeds");
  EXPECT_EQ(forced->server_rules().database, "real");
}

TEST_F(RoutesTest, OneRoutePerDatabaseAndServerUser) {
  EXPECT_EQ(find("plain", "ann"), find("plain", "ann"));
  EXPECT_NE(find("plain", "ann"), find("plain", "bob"));
  EXPECT_EQ(find("app", "ann"), find("app", "bob"));  // both borrow the pooler's servers
  EXPECT_NE(find("app", "ann"), find("forced", "ann"));
  EXPECT_EQ(routes_->all().size(), 4u);
}

TEST_F(RoutesTest, ADatabaseCountsTheClientsOfAllItsUsers) {
  EXPECT_EQ(&find("plain", "ann")->database_clients(), &find("plain", "bob")->database_clients());
  EXPECT_NE(&find("plain", "ann")->database_clients(), &find("app", "ann")->database_clients());
  EXPECT_NE(&find("plain", "ann")->clients(), &find("plain", "bob")->clients());
}

TEST_F(RoutesTest, TheStarTakesWhatHasNoNameOfItsOwn) {
  EXPECT_EQ(find("anything", "ann")->server_rules().database, "anything");
  EXPECT_NE(find("anything", "ann"), find("something", "ann"));
  config_.routes.pop_back();
  EXPECT_EQ(routes_->find("nothing", "ann", "").error(), Reason::unknown_database);
}

TEST_F(RoutesTest, ThePoolsNumbersLeadBack) {
  const auto ann = find("plain", "ann");
  const auto bob = find("plain", "bob");
  EXPECT_EQ(routes_->by_id(ann->upstream(), ann->id()), ann);
  EXPECT_EQ(routes_->by_id(bob->upstream(), bob->id()), bob);
  EXPECT_EQ(routes_->by_id(find("app", "x")->upstream(), bob->id()), nullptr);
}

TEST_F(RoutesTest, NoTlsOverAUnixSocket) {
  EXPECT_FALSE(find("app", "ann")->server_rules().tls_required);
  EXPECT_TRUE(find("plain", "ann")->server_rules().tls_wanted);
}

TEST_F(RoutesTest, AMissingCertificateIsNamed) {
  config_.upstreams[0].ssl_mode = net::SslMode::verify_full;
  config_.upstreams[0].tls.ca_file = "/nowhere/ca.crt";
  const auto made = Routes::make(config_, 2, 1);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().find("/nowhere/ca.crt"), std::string::npos);
}

// Averages are of the last whole period; an idle one is a period of nothing.
TEST_F(RoutesTest, PeriodsKeepWhatWasCountedAtTheirEnds) {
  const auto route = find("plain", "ann");
  route->traffic(0).queries = 10;
  EXPECT_EQ(route->last_period(0).end.queries, 0u);
  route->end_period(0, false);
  EXPECT_EQ(route->last_period(0).begin.queries, 0u);
  EXPECT_EQ(route->last_period(0).end.queries, 10u);
  route->traffic(0).queries = 25;
  route->end_period(0, false);
  EXPECT_EQ(route->last_period(0).begin.queries, 10u);
  EXPECT_EQ(route->last_period(0).end.queries, 25u);
  route->end_period(0, true);
  EXPECT_EQ(route->last_period(0).begin.queries, 25u);
  EXPECT_EQ(route->last_period(0).end.queries, 25u);
  EXPECT_EQ(route->last_period(1).end.queries, 0u);
}

}  // namespace
}  // namespace tidegate::proxy
