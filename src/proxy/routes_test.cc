#include "proxy/routes.h"

#include <algorithm>
#include <atomic>
#include <thread>

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

// Each connection decides by the address it has, for the next may have another kind.
TEST_F(RoutesTest, TlsIsAskedForWhateverTheFirstHostIs) {
  EXPECT_TRUE(find("app", "ann")->server_rules().tls_required);
  EXPECT_TRUE(find("plain", "ann")->server_rules().tls_wanted);
  EXPECT_FALSE(find("plain", "ann")->server_rules().tls_required);
}

TEST_F(RoutesTest, AMissingCertificateIsNamed) {
  config_.upstreams[0].ssl_mode = net::SslMode::verify_full;
  config_.upstreams[0].tls.ca_file = "/nowhere/ca.crt";
  const auto made = Routes::make(config_, 2, 1);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().find("/nowhere/ca.crt"), std::string::npos);
}

// Two attempts at once may begin at the same host.
TEST(Upstream, IsWrongForGoodWhenEveryHostIs) {
  Upstream upstream(0, {.name = "main", .hosts = {{"a"}, {"b"}}}, {}, 1);
  EXPECT_FALSE(upstream.all_hosts_wrong(0, 1));
  EXPECT_FALSE(upstream.all_hosts_wrong(0, 1)) << "the same again";
  EXPECT_TRUE(upstream.all_hosts_wrong(1, 1));
  upstream.no_host_wrong();
  EXPECT_FALSE(upstream.all_hosts_wrong(1, 1));
  EXPECT_TRUE(upstream.all_hosts_wrong(0, 2)) << "the first could not be reached";
}

class ForgottenRoutesTest : public RoutesTest {
 protected:
  ForgottenRoutesTest() { config_.routes_max = 2 * kNames; }
  static constexpr int kNames = 1000;

  // Looks as often as a worker does, for as long as it takes to forget.
  void look() {
    const auto step = config_.route_idle_timeout / 4;
    for (int i = 0; i <= 5; ++i) routes_->forget_idle(now_ = now_ + step);
  }
  void visit_many() {
    for (int i = 0; i < kNames; ++i) ASSERT_NE(find("guess" + std::to_string(i), "ann"), nullptr);
  }
  std::size_t count() const { return routes_->all().size(); }

  Instant now_{0};
};

TEST_F(ForgottenRoutesTest, WhatTheStarHasMadeGoesWhenNobodyUsesIt) {
  find("plain", "ann");
  const auto kept = find("kept", "ann");
  visit_many();
  EXPECT_EQ(count(), kNames + 2u);
  look();
  EXPECT_EQ(count(), 2u) << "the one with a name of its own, and the one in use";
  EXPECT_EQ(find("kept", "ann"), kept);
}

TEST_F(ForgottenRoutesTest, WhoOnlyLooksDoesNotKeepIt) {
  find("guess", "ann");
  const auto seen = routes_->all();
  look();
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(seen[0]->database(), "guess") << "it lives on for those who look at it";
}

TEST_F(ForgottenRoutesTest, NotBeforeItsTime) {
  find("guess", "ann");
  routes_->forget_idle(now_);
  routes_->forget_idle(now_ + config_.route_idle_timeout - 1ns);
  EXPECT_EQ(count(), 1u);
  find("guess", "ann");  // begins anew
  routes_->forget_idle(now_ + config_.route_idle_timeout);
  routes_->forget_idle(now_ + config_.route_idle_timeout * 2 - 1ns);
  EXPECT_EQ(count(), 1u);
  routes_->forget_idle(now_ + config_.route_idle_timeout * 2);
  EXPECT_EQ(count(), 0u);
}

TEST_F(ForgottenRoutesTest, NotWhileThePoolOwesItSomething) {
  const auto id = find("guess", "ann")->id();
  auto& upstream = find("guess", "ann")->upstream();
  pool::Actions actions;
  upstream.with_pool([&](pool::Pool& pool) {
    pool.client_wants({.route = id, .waiter = 1}, now_, actions);
    pool.client_gone(1, now_, actions);
  });
  ASSERT_EQ(actions.size(), 1u);  // a server that is still to be made for it
  look();
  EXPECT_NE(routes_->by_id(upstream, id), nullptr);
  upstream.with_pool([&](pool::Pool& pool) { pool.server_gone(actions[0].server, now_, actions); });
  look();
  EXPECT_EQ(routes_->by_id(upstream, id), nullptr);
}

TEST_F(ForgottenRoutesTest, ItsDatabaseIsCountedForAsLongAsOneOfItsUsersIsThere) {
  const auto bob = find("guess", "bob");
  const auto place = Ticket::take(bob->database_clients(), 0);
  find("guess", "ann");
  look();
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(find("guess", "ann")->database_clients().count(), 1);
}

TEST_F(ForgottenRoutesTest, AmongWorkersThatAskAtTheSameTime) {
  std::atomic<bool> over = false;
  std::thread forgetful([&] {
    while (!over) look();
  });
  for (int i = 0; i < 20'000; ++i) {
    const auto route = find("guess" + std::to_string(i % 7), "ann");
    ASSERT_EQ(routes_->by_id(route->upstream(), route->id()), route);
  }
  over = true;
  forgetful.join();
}

class ManyRoutesTest : public RoutesTest {
 protected:
  ManyRoutesTest() { config_.routes_max = 3; }
  bool has(const std::string& database) const {
    return std::ranges::any_of(routes_->all(),
                               [&](const auto& route) { return route->database() == database; });
  }
};

TEST_F(ManyRoutesTest, OnlySoManyAreMadeByTheStar) {
  std::vector<std::shared_ptr<Route>> held = {find("a", "ann"), find("a", "bob"), find("b", "ann")};
  EXPECT_EQ(routes_->find("c", "ann", "").error(), Reason::routes_full);
  EXPECT_EQ(find("b", "ann"), held[2]) << "it is there";
  EXPECT_NE(find("plain", "ann"), nullptr) << "written down, so they are as many as was meant";
  EXPECT_EQ(routes_->all().size(), 4u) << "the refused one left nothing behind";
}

TEST_F(ManyRoutesTest, OneThatNobodyUsesGivesWay) {
  std::vector<std::shared_ptr<Route>> held = {find("a", "ann"), find("b", "ann"), find("c", "ann")};
  held.erase(held.begin() + 1);
  EXPECT_NE(find("d", "ann"), nullptr);
  EXPECT_FALSE(has("b"));
  EXPECT_TRUE(has("a") && has("c") && has("d"));
}

TEST_F(ManyRoutesTest, TheOneThatIsIdleForLongestGoesFirst) {
  find("a", "ann");
  find("b", "ann");
  routes_->forget_idle(Instant{0});
  find("a", "ann");
  routes_->forget_idle(Instant{1});
  find("c", "ann");
  find("d", "ann");
  EXPECT_FALSE(has("b"));
  find("e", "ann");
  EXPECT_FALSE(has("a")) << "nobody has looked at the others since";
}

TEST_F(ManyRoutesTest, WhatThePoolOwesSomethingStays) {
  config_.routes_max = 1;
  const auto id = find("a", "ann")->id();
  pool::Actions actions;
  find("a", "ann")->upstream().with_pool([&](pool::Pool& pool) {
    pool.client_wants({.route = id, .waiter = 1}, Instant{0}, actions);
    pool.client_gone(1, Instant{0}, actions);
  });
  EXPECT_EQ(routes_->find("b", "ann", "").error(), Reason::routes_full);
  EXPECT_TRUE(has("a"));
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
