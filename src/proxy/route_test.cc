#include "proxy/route.h"

#include <chrono>

#include <gtest/gtest.h>

#include "proxy/routes.h"

namespace tidegate::proxy {
namespace {

using namespace std::chrono_literals;

class RouteTest : public testing::Test {
 protected:
  RouteTest() {
    config_.upstreams = {{.name = "main", .hosts = {{"a", 5432}}}};
    config_.routes = {{.database = "db", .upstream = "main"}};
    routes_ = std::move(*Routes::make(config_, 1, 1));
    route_ = *routes_->find("db", "ann", "anns");
  }
  // A server is opened for a client, which has it then.
  void open_server() {
    route_->upstream().with_pool([&](pool::Pool& pool) {
      pool.client_wants({.route = route_->id(), .waiter = 1, .number = 1}, now_, actions_);
      server_ = actions_.front().server;
      pool.server_ready(server_, 0, now_, actions_);
      return 0;
    });
  }
  void release_server() {
    route_->upstream().with_pool([&](pool::Pool& pool) {
      pool.server_released(server_, 0, now_, actions_);
      return 0;
    });
  }

  config::Config config_;
  std::unique_ptr<Routes> routes_;
  std::shared_ptr<Route> route_;
  pool::Actions actions_;
  pool::ServerId server_;
  Instant now_ = Instant{} + 1h;
};

TEST_F(RouteTest, WithoutServersEveryLoginDoubtsAStandby) {
  EXPECT_TRUE(route_->may_be_outdated(now_));
  EXPECT_TRUE(route_->may_be_outdated(now_));
}

TEST_F(RouteTest, WhoHoldsAServerHearsOfAPromotion) {
  open_server();
  EXPECT_FALSE(route_->may_be_outdated(now_));
}

TEST_F(RouteTest, OneLoginInAWhileAsksAnIdleServer) {
  open_server();
  release_server();
  EXPECT_TRUE(route_->may_be_outdated(now_));
  EXPECT_FALSE(route_->may_be_outdated(now_ + 999ms));
  EXPECT_TRUE(route_->may_be_outdated(now_ + 1s));
}

TEST_F(RouteTest, ASnapshotReplacesTheOneThatItWasMadeFrom) {
  const auto first = std::make_shared<session::Snapshot>();
  const auto second = std::make_shared<session::Snapshot>();
  EXPECT_TRUE(route_->replace_snapshot(nullptr, first));
  EXPECT_FALSE(route_->replace_snapshot(nullptr, second));
  EXPECT_EQ(route_->snapshot(), first);
  EXPECT_TRUE(route_->replace_snapshot(first, second));
  EXPECT_EQ(route_->snapshot(), second);
}

}  // namespace
}  // namespace tidegate::proxy
