// One worker and an upstream of several hosts on the simulated network: which of them a server that
// is being opened asks, how long it waits for each, and what is said when it reaches none.
#include <gtest/gtest.h>

#include "proxy/database_testing.h"

namespace tidegate::proxy {
namespace {

using Hosts = std::vector<net::Target>;

// A name that begins with `silent` leads to where nobody answers, `dead` to where nobody listens.
class World {
 public:
  World(std::uint64_t seed, const Hosts& hosts, Duration connect_timeout,
        const net::SimFaultMenu& faults = {},
        config::HostOrder order = config::HostOrder::as_written)
      : network_(seed, faults) {
    network_.set_host("silent", {silent_});
    network_.set_host("silent_and_good", {silent_, good_});
    network_.set_host("dead", {net::sim_address(7, 5432)});
    network_.set_host("good", {good_});
    network_.set_host("better", {better_});
    network_.swallow(silent_);
    at_database_.accept_from(door_, &database);
    at_database_.accept_from(other_door_, &database);
    config::Config config;
    config.upstreams = {{.name = "main",
                         .hosts = hosts,
                         .host_order = order,
                         .ssl_mode = net::SslMode::disable,
                         .user = "pooler",
                         .connect_timeout = connect_timeout}};
    config.routes = {{.database = "db", .upstream = "main"}};
    process_ = *Process::make(config, 1, {.log = log_});
    worker_ = std::make_unique<Worker>(*process_, WorkerIndex{0}, reactor_);
    reactor_.set_turn_handler(worker_.get());
    route_ = *process_->routes().find("db", "ann", "");
  }
  ~World() { worker_.reset(); }

  // Nobody in particular wants a server.
  void open_one() {
    worker_->post([this] {
      worker_->gate(route_->upstream()).client_wants({.route = route_->id(), .waiter = ++waiters_});
    });
  }
  void pass(Duration time) { network_.run_until(network_.now() + time); }
  pool::PoolTotals totals() {
    return route_->upstream().with_pool([](pool::Pool& pool) { return pool.totals(); });
  }
  pool::RouteCounts counts() {
    return route_->upstream().with_pool(
        [&](pool::Pool& pool) { return pool.counts(route_->id()); });
  }
  std::vector<const Server*> servers() const {
    std::vector<const Server*> found;
    for (const auto& [id, server] : worker_->gate(route_->upstream()).servers()) {
      found.push_back(server.get());
    }
    return found;
  }
  // Where the idle one leads to, which is then closed, so that the next has to be opened.
  std::string host_of_the_next() {
    open_one();
    pass(1s);
    std::string host = "none yet";
    for (const auto& [id, server] : worker_->gate(route_->upstream()).servers()) {
      if (server->state() != Server::State::idle) continue;
      host = server->target().host;
      worker_->post([server = server.get()] { server->close(Reason::admin_close); });
    }
    pass(1s);
    return host;
  }
  Route& route() { return *route_; }
  net::Address address_of(const std::string& name) const {
    return name == "good" ? good_ : better_;
  }

 private:
  QuietLog log_;
  net::Address silent_ = net::sim_address(8, 5432), good_ = net::sim_address(9, 5432),
               better_ = net::sim_address(10, 5432);
  net::SimNetwork network_;
  net::SimReactor at_database_{network_, net::sim_address(9, 0)};
  net::SimReactor reactor_{network_, net::sim_address(1, 0)};
  std::shared_ptr<net::SimListener> door_ = std::make_shared<net::SimListener>(network_, good_);
  std::shared_ptr<net::SimListener> other_door_ =
      std::make_shared<net::SimListener>(network_, better_);
  std::unique_ptr<Process> process_;
  std::unique_ptr<Worker> worker_;
  std::shared_ptr<Route> route_;
  pool::WaiterId waiters_ = 0;

 public:
  Database database{at_database_};
};

TEST(Connect, ASilentHostHasItsPartOfTheTimeAndNotAll) {
  for (const auto& hosts : {Hosts{{"silent"}, {"good"}}, Hosts{{"silent"}, {"dead"}, {"good"}},
                            Hosts{{"silent_and_good"}}, Hosts{{"silent_and_good"}, {"dead"}}}) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {  // it shuffles the addresses of a name
      World world(seed, hosts, 15s);
      world.open_one();
      world.pass(20s);
      EXPECT_EQ(world.totals().failed, 0u) << hosts.front().host << " of " << hosts.size();
      EXPECT_EQ(world.totals().opened, 1u);
      EXPECT_EQ(world.counts().idle, 1) << "nobody in particular took it";
      EXPECT_EQ(world.database.connections, 1);
    }
  }
}

TEST(Connect, AllTogetherHaveNoMoreThanConnectTimeout) {
  World world(1, {{"silent"}, {"silent"}, {"silent"}}, 15s);
  world.open_one();
  world.pass(15s - 1ms);
  EXPECT_EQ(world.totals().failed, 0u);
  world.pass(2ms);
  EXPECT_EQ(world.totals().failed, 1u);
}

// Or a certificate would be compared with the name of another host.
TEST(Connect, AnAddressThatComesTooLateIsNotTakenForTheNextHosts) {
  int late = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    World world(seed, {{"good"}, {"better"}}, 60ms);  // an answer takes up to 50 ms
    world.open_one();
    world.pass(1s);
    for (const auto* server : world.servers()) {
      EXPECT_EQ(server->address(), world.address_of(server->target().host)) << seed;
      late += server->target().host == "better" ? 1 : 0;
    }
  }
  EXPECT_GT(late, 0);
}

TEST(Connect, HostsAreAskedInOrder) {
  World world(1, {{"good"}, {"better"}}, 15s);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(world.host_of_the_next(), "good");
}

TEST(Connect, OrInTurnWhereThatIsWanted) {
  World world(1, {{"good"}, {"better"}}, 15s, {}, config::HostOrder::in_turn);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(world.host_of_the_next(), i % 2 == 0 ? "good" : "better");
}

// Also when another one let us in meanwhile: each new server would wait for it.
TEST(Connect, AHostThatDoesNotAnswerCostsItsTimeOnlyOnceInAWhile) {
  World world(1, {{"silent"}, {"good"}}, 15s);
  EXPECT_EQ(world.host_of_the_next(), "none yet");
  world.pass(8s);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.host_of_the_next(), "good");
  world.pass(30s);
  world.open_one();
  world.pass(1s);
  EXPECT_EQ(world.counts().opening, 1) << "it is asked again";
}

// The connection was never made: nothing can have taken effect.
TEST(Connect, WithoutADescriptorThereIsNoConnection) {
  net::SimFaultMenu faults{};
  faults[static_cast<std::size_t>(net::SimFault::out_of_descriptors)] = 10'000;
  World world(1, {{"good"}}, 15s, faults);
  world.open_one();
  world.pass(1s);
  const auto why = world.route().explain(Reason::connect_failed);
  EXPECT_NE(why.detail.find("too many open files"), std::string::npos) << why.detail;
  EXPECT_EQ(why.setback, Setback::passing);
}

// No statement was on its way, and no client is to think so.
TEST(Connect, WhoHangsUpDuringTheLoginHasNotLostAStatement) {
  for (const auto mode : {net::CloseMode::now, net::CloseMode::reset}) {
    World world(1, {{"good"}}, 15s);
    world.database.hangs_up = mode;
    world.open_one();
    world.pass(1s);
    EXPECT_EQ(world.route().explain(Reason::server_lost).detail, "");
    const auto why = world.route().explain(Reason::server_login_failed);
    EXPECT_NE(why.detail, "");
    EXPECT_EQ(why.setback, Setback::passing);
  }
}

}  // namespace
}  // namespace tidegate::proxy
