// Long simulated runs of several routes that share one budget: closed-loop clients, logins that
// take 10 ms and closes that take 2 ms. What matters is what each route gets done, how long it
// waits, and how often a server is thrown away for it.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "pool/referee.h"

namespace tidegate::pool {
namespace {

using State = Referee::State;

struct Demand {
  int clients;
  Duration transaction;
  Duration think{0};
};

struct Outcome {
  int served = 0;
  Duration wait_longest{0};
};

class Town {
 public:
  Town(int budget, std::vector<Demand> demands, RouteLimits limits = {.pool_timeout = 0s})
      : r_({.budget = budget}), demands_(std::move(demands)), outcomes_(demands_.size()) {
    limits.shed = false;
    for (std::size_t route = 0; route < demands_.size(); ++route) {
      r_.add_route(limits);
      for (int i = 0; i < demands_[route].clients; ++i)
        at(1us * i, {Kind::want, client_id(route, i)});
    }
  }

  // Runs on, and gives what was done meanwhile.
  std::vector<Outcome> run(Duration time) {
    std::fill(outcomes_.begin(), outcomes_.end(), Outcome{});
    evictions_before_ = r_.pool.totals().evicted;
    const Instant end = r_.now + time;
    while (!agenda_.empty() && r_.complaint.empty()) {
      const Instant next = std::min(agenda_.begin()->at, r_.pool.next_deadline());
      if (next >= end) break;
      r_.now = std::max(r_.now, next);
      if (agenda_.begin()->at <= r_.now) {
        step();
      } else {
        r_.tick();
      }
      heed();
    }
    r_.now = std::max(r_.now, end);
    EXPECT_EQ(r_.complaint, "");
    return outcomes_;
  }

  std::uint64_t evictions() const { return r_.pool.totals().evicted - evictions_before_; }
  int servers(std::size_t route) const {
    const auto counts = r_.pool.counts(r_.roads[route].id);
    return counts.idle + counts.held;
  }

 private:
  enum class Kind { want, ready, release, gone };
  struct Event {
    Kind kind;
    WaiterId waiter = 0;
    ServerId server;
  };
  struct Entry {
    Instant at;
    int number;
    Event event;
    bool operator<(const Entry& other) const {
      return std::pair{at, number} < std::pair{other.at, other.number};
    }
  };

  static WaiterId client_id(std::size_t route, int index) {
    return route * 1000 + static_cast<WaiterId>(index) + 1;
  }
  const Demand& demand_of(WaiterId client) const { return demands_[client / 1000]; }
  void at(Duration delay, const Event& event) {
    agenda_.insert({r_.now + delay, ++last_number_, event});
  }
  // Around the mean, so that nothing falls into step by accident.
  Duration about(Duration mean) {
    return mean / 2 + mean * static_cast<int>(random_() % 1000) / 1000;
  }

  void step() {
    const Event event = agenda_.begin()->event;
    agenda_.erase(agenda_.begin());
    switch (event.kind) {
      case Kind::want:
        r_.client_wants({.route = r_.roads[event.waiter / 1000].id,
                         .waiter = event.waiter,
                         .worker = static_cast<WorkerIndex>(event.waiter % 2)});
        break;
      case Kind::ready:
        r_.server_ready(event.server);
        break;
      case Kind::release:
        at(about(demand_of(event.waiter).think), {Kind::want, event.waiter});
        r_.server_released(event.server);
        break;
      case Kind::gone:
        r_.server_gone(event.server);
        break;
    }
  }

  void heed() {
    for (const auto& action : Actions(r_.said())) {
      if (action.kind == ActionKind::open) at(10ms, {Kind::ready, 0, action.server});
      if (action.kind == ActionKind::close) at(2ms, {Kind::gone, 0, action.server});
      if (action.kind != ActionKind::assign) continue;
      auto& outcome = outcomes_[action.waiter / 1000];
      ++outcome.served;
      outcome.wait_longest = std::max(outcome.wait_longest, waited(action.server));
      at(about(demand_of(action.waiter).transaction),
         {Kind::release, action.waiter, action.server});
    }
  }

  Duration waited(ServerId server) const {
    for (const auto& m : r_.machines) {
      if (m.id == server) return r_.now - m.holder.since;
    }
    return Duration{0};
  }

  Referee r_;
  std::vector<Demand> demands_;
  std::vector<Outcome> outcomes_;
  std::set<Entry> agenda_;
  std::mt19937 random_{7};
  std::uint64_t evictions_before_ = 0;
  int last_number_ = 0;
};

TEST(PoolFairness, EqualDemandsShareEquallyAndDoNotThrash) {
  Town town(10, {{30, 5ms}, {30, 5ms}, {30, 5ms}});
  town.run(5s);
  const auto done = town.run(60s);
  EXPECT_EQ(town.evictions(), 0u);
  const int total = done[0].served + done[1].served + done[2].served;
  for (const auto& outcome : done) EXPECT_GT(outcome.served, total / 4);
}

TEST(PoolFairness, GreedyRouteThatCameFirstGivesUpItsShare) {
  Town town(12, {{200, 5ms}, {0, 5ms}});
  town.run(2s);
  EXPECT_EQ(town.servers(0), 12);
  Town both(12, {{200, 5ms}, {12, 5ms}});
  const auto done = both.run(20s);
  EXPECT_NEAR(both.servers(0), 6, 1);
  EXPECT_NEAR(both.servers(1), 6, 1);
  EXPECT_LT(done[1].wait_longest, 200ms);
}

TEST(PoolFairness, WhatOneRouteDoesNotNeedTheOtherGets) {
  // Max-min: the small route needs about one server, the big one gets the rest.
  Town town(10, {{100, 5ms}, {1, 5ms, 5ms}});
  town.run(5s);
  const auto done = town.run(30s);
  EXPECT_GE(town.servers(0), 9);
  EXPECT_LT(done[1].wait_longest, 100ms);
  EXPECT_LT(town.evictions(), 30u);
}

TEST(PoolFairness, BusyRouteCannotStarveAnOccasionalOne) {
  // Every 3 s one client of each of five small routes comes, while one route is flooded.
  std::vector<Demand> demands(5, {1, 5ms, 3s});
  demands.push_back({200, 20ms});
  Town town(8, demands);
  town.run(5s);
  const auto done = town.run(60s);
  for (std::size_t route = 0; route < 5; ++route) {
    EXPECT_GT(done[route].served, 15);
    EXPECT_LT(done[route].wait_longest, 200ms);
  }
  EXPECT_GT(done[5].served, 60 * 50 * 8 / 2) << "and the flooded one loses little by it";
}

TEST(PoolFairness, MoreBusyRoutesThanPlacesTakeTurns) {
  Town town(2, {{5, 5ms}, {5, 5ms}, {5, 5ms}, {5, 5ms}});
  town.run(5s);
  const auto done = town.run(60s);
  const auto [least, most] = std::minmax_element(
      done.begin(), done.end(), [](auto& a, auto& b) { return a.served < b.served; });
  EXPECT_GT(least->served, most->served / 2);
  for (const auto& outcome : done) EXPECT_LT(outcome.wait_longest, 4s);
  EXPECT_LT(town.evictions(), 150u) << "in slices of a second, not of a transaction";
}

TEST(PoolFairness, LoadThatComesAndGoesMovesServersSlowly) {
  Town town(9, {{6, 5ms, 5ms}, {6, 5ms, 5ms}, {6, 5ms, 5ms}});
  town.run(5s);
  const auto done = town.run(60s);
  EXPECT_LT(town.evictions(), 60u) << "fewer than one a second at 1,500 transactions a second";
  for (const auto& outcome : done) EXPECT_LT(outcome.wait_longest, 100ms);
}

}  // namespace
}  // namespace tidegate::pool
