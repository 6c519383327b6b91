// Every history of a small pool: three clients, two routes, a budget of two. Situations that were
// reached before are not explored again (they may differ in history, such as who came into need
// first, so this is not a proof; the random histories of pool_property_test.cc have no such gap).
// From every situation, the pool must also find its way to an empty queue.
#include <functional>
#include <unordered_set>

#include <gtest/gtest.h>

#include "pool/referee.h"

namespace tidegate::pool {
namespace {

using State = Referee::State;
using Event = std::function<void(Referee&)>;

constexpr int kClients = 3;

struct World {
  UpstreamLimits limits;
  RouteLimits first;
  RouteLimits second;
};

// Clients 1 and 3 use the first route, client 2 the second; client 3 lives on another worker.
RouteId route_of(const Referee& r, WaiterId client) {
  return r.roads[client == 2 ? 1 : 0].id;
}

bool is_known(const Referee& r, WaiterId client) {
  if (r.is_waiting(client)) return true;
  for (const auto id : r.servers_in(State::held)) {
    if (r.holder_of(id) == client) return true;
  }
  return false;
}

void add_client_events(const Referee& r, std::vector<Event>& events) {
  for (WaiterId client = 1; client <= kClients; ++client) {
    if (r.is_waiting(client)) {
      events.push_back([client](Referee& x) { x.client_gone(client); });
    } else if (!is_known(r, client)) {
      const auto worker = static_cast<WorkerIndex>(client == 3 ? 1 : 0);
      events.push_back([client, worker](Referee& x) {
        x.client_wants({.route = route_of(x, client), .waiter = client, .worker = worker});
      });
    }
  }
}

void add_server_events(const Referee& r, std::vector<Event>& events) {
  for (const auto id : r.servers_in(State::opening)) {
    events.push_back([id](Referee& x) { x.server_ready(id); });
    events.push_back(
        [id](Referee& x) { x.server_failed(id, Reason::connect_failed, Setback::passing); });
    events.push_back(
        [id](Referee& x) { x.server_failed(id, Reason::server_login_failed, Setback::of_route); });
    events.push_back([id](Referee& x) {
      x.server_failed(id, Reason::server_login_failed, Setback::passing_of_route);
    });
    events.push_back(
        [id](Referee& x) { x.server_failed(id, Reason::dns_failed, Setback::of_upstream); });
    events.push_back(
        [id](Referee& x) { x.login_failed(id, Reason::server_lost, Setback::passing); });
  }
  for (const auto id : r.servers_in(State::held)) {
    events.push_back([id](Referee& x) { x.server_released(id); });
    events.push_back([id](Referee& x) { x.assign_failed(id, true); });
    events.push_back([id](Referee& x) { x.server_silent(id); });
    events.push_back([id](Referee& x) { x.server_closing(id); });
    events.push_back([id](Referee& x) { x.hold_changed(id, HoldKind::pin); });
  }
  for (const auto id : r.servers_in(State::idle)) {
    events.push_back([id](Referee& x) { x.server_closing(id); });
  }
  for (const auto id : r.servers_in(State::closing)) {
    events.push_back([id](Referee& x) { x.server_gone(id); });
  }
}

void add_other_events(const Referee& r, std::vector<Event>& events) {
  events.push_back([](Referee& x) { x.tick(600ms); });
  if (!r.roads[0].removed) {
    events.push_back([](Referee& x) { x.pause(x.roads[0].id, !x.roads[0].paused); });
    events.push_back([](Referee& x) { x.recycle_all(x.roads[0].id); });
    events.push_back([](Referee& x) { x.remove_route(x.roads[0].id); });
    events.push_back([](Referee& x) {
      const auto limits = x.roads[0].limits;
      if (!x.forget_route(x.roads[0].id)) return;
      x.add_route(limits);
      std::swap(x.roads[0], x.roads[1]);
    });
  }
}

class Explorer {
 public:
  explicit Explorer(const World& world) : world_(world) {}

  void explore(int depth) {
    for (frontier_ = {{}}; depth-- > 0 && !::testing::Test::HasFailure();) grow();
  }
  std::size_t situations() const { return seen_.size(); }

 private:
  using History = std::vector<int>;  // which of the possible events, at each step

  static std::vector<Event> possible(const Referee& r) {
    std::vector<Event> events;
    add_client_events(r, events);
    add_server_events(r, events);
    add_other_events(r, events);
    return events;
  }

  void replay(Referee& r, const History& history) const {
    r.add_route(world_.first);
    r.add_route(world_.second);
    for (const int choice : history) possible(r)[static_cast<std::size_t>(choice)](r);
  }

  void grow() {
    std::vector<History> next;
    for (const auto& history : frontier_) {
      Referee before(world_.limits);
      replay(before, history);
      const int choices = static_cast<int>(possible(before).size());
      for (int choice = 0; choice < choices; ++choice) visit(history, choice, next);
    }
    frontier_ = std::move(next);
  }

  void visit(History history, int choice, std::vector<History>& next) {
    history.push_back(choice);
    Referee r(world_.limits);
    replay(r, history);
    if (!seen_.insert(r.fingerprint()).second && r.complaint.empty()) return;
    if (r.roads[0].paused) r.pause(r.roads[0].id, false);
    r.play_out();
    ASSERT_EQ(r.complaint, "") << "after the choices " << ::testing::PrintToString(history);
    next.push_back(std::move(history));
  }

  World world_;
  std::vector<History> frontier_;
  std::unordered_set<std::string> seen_;
};

World small_world() {
  const RouteLimits route{.pool_size = 2, .pool_timeout = 3s};
  return {.limits = {.budget = 2, .overtake_max = 1, .overtake_wait_max = 1s},
          .first = route,
          .second = route};
}

TEST(PoolExhaustive, TwoRoutesThreeClientsBudgetOfTwo) {
  Explorer explorer(small_world());
  explorer.explore(9);
  EXPECT_GT(explorer.situations(), 5000u);
}

TEST(PoolExhaustive, MoreRoutesThanPlacesInTheBudget) {
  World world = small_world();
  world.limits.budget = 1;
  Explorer explorer(world);
  explorer.explore(10);
  EXPECT_GT(explorer.situations(), 1000u);
}

TEST(PoolExhaustive, AQueueForNobody) {
  World world = small_world();
  world.first.queue_max = world.second.queue_max = 0;
  Explorer explorer(world);
  explorer.explore(9);
  EXPECT_GT(explorer.situations(), 3000u);
}

TEST(PoolExhaustive, OverflowAndSpares) {
  World world = small_world();
  world.first = {.pool_size = 1, .max_overflow = 1, .pool_timeout = 3s};
  world.second = {.pool_size = 1, .min_idle = 1, .pool_timeout = 3s};
  Explorer explorer(world);
  explorer.explore(9);
  EXPECT_GT(explorer.situations(), 3000u);
}

}  // namespace
}  // namespace tidegate::pool
