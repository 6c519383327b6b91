// Two workers on the simulated network: what becomes of a server on its way from one to the other,
// and of a statement whose server is lost.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "proxy/database_testing.h"

namespace tidegate::proxy {
namespace {

constexpr std::uint8_t kGarbage[] = {'!', 0, 0, 0, 4};

class HandOverTest : public SimulatedProcessTest {
 protected:
  HandOverTest() {
    network_.set_host("database.sim", {net::sim_address(9, 5432)});
    at_database_.accept_from(door_, &database_);
    start(one_database(), lanes_);
    publish_snapshot();
  }
  ~HandOverTest() override {
    for (auto& lane : lanes_) lane.worker.reset();
  }

  Caller& user_of(Lane& lane) {
    auto& caller = call(lane);
    introduce(caller);
    caller.heard.clear();
    return caller;
  }
  std::string ask(Caller& caller) {
    query(caller);
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

  net::SimReactor at_database_{network_, net::sim_address(9, 0)};
  std::shared_ptr<net::SimListener> door_ =
      std::make_shared<net::SimListener>(network_, net::sim_address(9, 5432));
  Database database_{at_database_};
  std::array<Lane, 2> lanes_{Lane{network_, 1}, Lane{network_, 2}};
  Lane& home_ = lanes_[0];
  Lane& other_ = lanes_[1];
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
  query(waiting);
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
    query(asking);
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
