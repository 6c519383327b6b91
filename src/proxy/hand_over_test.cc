// Two workers on the simulated network: what becomes of a server on its way from one to the other,
// and of a statement whose server is lost.
#include <algorithm>
#include <array>
#include <functional>

#include <gtest/gtest.h>

#include "net/sim_reactor.h"
#include "postgres/route_snapshot.h"
#include "proxy/database_testing.h"
#include "proxy/worker.h"

namespace tidegate::proxy {
namespace {

constexpr std::uint8_t kGarbage[] = {'!', 0, 0, 0, 4};

struct Caller final : net::StreamHandler {
  void bytes_arrived(net::StreamId, Bytes bytes) override { heard += as_text(bytes); }
  void peer_finished(net::StreamId) override {}
  void stream_closed(net::StreamId, net::CloseReason, const std::string&) override {}
  net::StreamId stream;
  std::string heard;
};

// A worker with a door of its own, and what is to happen just before it settles a turn.
struct Lane final : net::TurnHandler {
  Lane(net::SimNetwork& network, std::uint32_t host)
      : reactor(network, net::sim_address(host, 0)),
        listener(std::make_shared<net::SimListener>(network, net::sim_address(host, 6432))) {}
  bool settle() override {
    if (before_settling) before_settling();
    return worker->settle();
  }
  net::SimReactor reactor;
  std::shared_ptr<net::SimListener> listener;
  std::unique_ptr<Worker> worker;
  std::function<void()> before_settling;
};

class HandOverTest : public testing::Test {
 protected:
  HandOverTest() {
    network_.set_host("database.sim", {net::sim_address(9, 5432)});
    at_database_.accept_from(door_, &database_);
    config::Config config;
    config.users = {{.name = "ann", .trust = true}};
    config.upstreams = {
        {.name = "main", .hosts = {{"database.sim", 5432}}, .ssl_mode = net::SslMode::disable}};
    config.routes = {{.database = "db", .upstream = "main"}};
    process_ = *Process::make(config, lanes_.size(), {.log = log_});
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      auto& lane = lanes_[i];
      lane.worker = std::make_unique<Worker>(*process_, static_cast<WorkerIndex>(i), lane.reactor);
      lane.reactor.set_turn_handler(&lane);
      lane.reactor.accept_from(lane.listener, lane.worker.get());
    }
    route()->publish_snapshot(std::make_shared<postgres::RouteSnapshot>(postgres::Parameters{}));
  }
  ~HandOverTest() override {
    for (auto& lane : lanes_) lane.worker.reset();
  }

  std::shared_ptr<Route> route() { return *process_->routes().find("db", "ann", ""); }
  void pass(Duration time) { network_.run_until(network_.now() + time); }

  Caller& user_of(Lane& lane) {
    auto& caller = *callers_.emplace_back(std::make_unique<Caller>());
    caller.stream = outside_.connect(lane.listener->address(), {}, &caller);
    pass(1s);
    ByteBuffer startup;
    postgres::write_startup(startup, {{"user", "ann"}, {"database", "db"}});
    outside_.write(caller.stream, startup);
    pass(1s);
    caller.heard.clear();
    return caller;
  }
  std::string ask(Caller& caller) {
    ByteBuffer query;
    postgres::write_query(query, "SELECT 1");
    outside_.write(caller.stream, query);
    pass(5s);
    return std::exchange(caller.heard, {});
  }
  // All there are on a worker.
  std::vector<Server*> servers_of(Lane& lane) {
    std::vector<Server*> found;
    for (const auto& [id, server] : lane.worker->gate(route()->upstream()).servers()) {
      found.push_back(server.get());
    }
    return found;
  }
  bool somebody_waits(Lane& lane) {
    bool found = false;
    lane.worker->clients().for_each(
        [&](ClientId, const Client& client) { found |= client.state() == Client::State::waiting; });
    return found;
  }

  QuietLog log_;
  net::SimNetwork network_{7, net::SimFaultMenu{}};
  std::vector<std::unique_ptr<Caller>> callers_;
  net::SimReactor outside_{network_, net::sim_address(3, 0)};
  net::SimReactor at_database_{network_, net::sim_address(9, 0)};
  std::shared_ptr<net::SimListener> door_ =
      std::make_shared<net::SimListener>(network_, net::sim_address(9, 5432));
  Database database_{at_database_};
  std::array<Lane, 2> lanes_{Lane{network_, 1}, Lane{network_, 2}};
  Lane& home_ = lanes_[0];
  Lane& other_ = lanes_[1];
  std::unique_ptr<Process> process_;
};

TEST_F(HandOverTest, AnIdleServerMovesToWhoeverWantsIt) {
  EXPECT_EQ(ask(user_of(home_)).substr(5, 8), "ANSWER 1");
  EXPECT_EQ(ask(user_of(other_)).substr(5, 8), "ANSWER 2");
  EXPECT_EQ(database_.logins, 1);
  EXPECT_TRUE(servers_of(home_).empty());
  EXPECT_EQ(servers_of(other_).size(), 1u);
}

// The order to hand it over comes as a task, in the same turn as the bytes and behind them: that it
// is broken is known by then, and nothing has been done about it yet.
TEST_F(HandOverTest, AServerThatBrokeInTheSameTurnIsNotHandedOver) {
  ask(user_of(home_));
  const auto servers = servers_of(home_);
  ASSERT_EQ(servers.size(), 1u);
  ASSERT_EQ(servers[0]->state(), Server::State::idle);
  auto& waiting = user_of(other_);
  other_.before_settling = [&] {
    if (!somebody_waits(other_)) return;
    home_.worker->post([server = servers[0]] { server->bytes_arrived({}, kGarbage); });
    other_.before_settling = nullptr;
  };
  EXPECT_EQ(ask(waiting).substr(5, 8), "ANSWER 2") << "from another server";
  EXPECT_EQ(database_.logins, 2);
  pass(60s);
  EXPECT_TRUE(servers_of(home_).empty());
  EXPECT_EQ(servers_of(other_).size(), 1u);
}

// The same for a client at home, when the pool was run by another worker.
TEST_F(HandOverTest, NorIsItLinkedAtHome) {
  auto& waiting = user_of(home_);
  ask(waiting);
  auto* server = servers_of(home_).at(0);
  home_.before_settling = [&] {
    if (!somebody_waits(home_)) return;
    home_.before_settling = nullptr;
    // As if the bytes had come between the orders of the pool and their being carried out.
    home_.worker->later([server] { server->bytes_arrived({}, kGarbage); });
  };
  EXPECT_EQ(ask(waiting).substr(5, 8), "ANSWER 2");
  EXPECT_EQ(database_.logins, 2);
}

// It says that it lives, and then what no server says.
TEST_F(HandOverTest, NorIfItBreaksRightBehindTheCheckBeforeUse) {
  auto& waiting = user_of(home_);
  ask(waiting);
  auto* server = servers_of(home_).at(0);
  pass(route()->spec().limits.ping_after * 2);
  ByteBuffer query;
  postgres::write_query(query, "SELECT 1");
  outside_.write(waiting.stream, query);
  pass(1s);
  ASSERT_EQ(server->state(), Server::State::verifying);
  home_.worker->post([server] {
    ByteBuffer alive;
    postgres::write_ready_for_query(alive, 'I');
    server->bytes_arrived({}, alive);
    server->bytes_arrived({}, kGarbage);
  });
  pass(5s);
  EXPECT_EQ(waiting.heard.substr(5, 8), "ANSWER 2");
  EXPECT_EQ(database_.logins, 2);
}

// However the connection ended: the statement may have taken effect.
TEST_F(HandOverTest, WhoseServerIsLostInAStatementIsNotToldThatNothingWasConnected) {
  using net::CloseReason;
  for (const auto reason : {CloseReason::connect_timeout, CloseReason::tls_failed,
                            CloseReason::tls_rejected, CloseReason::out_of_descriptors}) {
    auto& asking = user_of(home_);
    ask(asking);
    auto* server = servers_of(home_).at(0);
    ByteBuffer query;
    postgres::write_query(query, "SELECT 1");
    outside_.write(asking.stream, query);
    while (server->state() != Server::State::linked) pass(1us);
    home_.worker->post(
        [server, reason] { server->stream_closed(server->stream(), reason, "it broke"); });
    pass(1s);
    EXPECT_NE(asking.heard.find("C08006"), std::string::npos) << asking.heard;
    EXPECT_NE(asking.heard.find("it broke"), std::string::npos) << asking.heard;
    pass(60s);  // until nothing is left of it
  }
}

}  // namespace
}  // namespace tidegate::proxy
