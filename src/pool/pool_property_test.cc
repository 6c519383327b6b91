// Long random histories against the referee: whatever happens in whatever order, each action must
// be the one that the slow books predict, and in the end everybody is served or refused. RapidCheck
// shrinks a history that fails.
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/planted.h"
#include "pool/referee.h"

namespace tidegate::pool {
namespace {

using State = Referee::State;
// What happens, to whom (modulo those who can), and a detail.
using Step = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>;
using History = std::vector<Step>;

const std::vector<RouteLimits> kRoutes = {
    {.pool_size = 3, .max_overflow = 1, .queue_max = 6, .pool_timeout = 2s, .idle_timeout = 5s},
    {.pool_size = 4,
     .min_idle = 1,
     .recycle = 20s,
     .ping_after = 1s,
     .shed_target = 20ms,
     .shed_interval = 100ms},
    {.pool_size = 2, .lifo = false},
};

// Clients 1 to kClients; client n wants the route n mod 3.
constexpr int kClients = 24;

class Player {
 public:
  explicit Player(Referee& referee) : r_(referee) {
    for (const auto& limits : kRoutes) r_.add_route(limits);
  }

  void play(const Step& step) {
    const auto [what, who, detail] = step;
    switch (what % 24) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return want(who, detail);
      case 6:
        return leave(who);
      case 7:
      case 8:
      case 9:
        return with(State::opening, who, [&](auto id) { r_.server_ready(id, detail % 3); });
      case 10:
        return with(State::opening, who, [&](auto id) {
          const auto setback = detail % 8 == 0   ? Setback::of_upstream
                               : detail % 4 == 0 ? Setback::of_route
                               : detail % 4 == 1 ? Setback::passing_of_route
                                                 : Setback::passing;
          detail % 3 == 0 ? r_.login_failed(id, Reason::server_lost, setback)
                          : r_.server_failed(id, Reason::connect_failed, setback);
        });
      case 11:
      case 12:
      case 13:
      case 14:
        return with(State::held, who, [&](auto id) { r_.server_released(id, detail % 3); });
      case 15:
        return with(State::held, who, [&](auto id) { r_.assign_failed(id, detail % 2 == 0); });
      case 16:
        return with(State::held, who, [&](auto id) {
          r_.hold_changed(id, detail % 2 == 0 ? HoldKind::pin : HoldKind::transaction);
        });
      case 17:
        if (detail % 5 == 0) return with(State::held, who, [&](auto id) { r_.server_silent(id); });
        return with(detail % 2 == 0 ? State::held : State::idle, who,
                    [&](auto id) { r_.server_closing(id); });
      case 18:
      case 19:
      case 20:
        return with(State::closing, who, [&](auto id) { r_.server_gone(id); });
      case 21:
        return r_.tick(Duration{1ms} * detail);
      case 22:
        return r_.tick(Duration{20ms} * detail);
      default:
        return rare(who, detail);
    }
  }

 private:
  template <typename Act>
  void with(State state, std::uint8_t who, Act act) {
    const auto ids = r_.servers_in(state);
    if (!ids.empty()) act(ids[who % ids.size()]);
  }

  void want(std::uint8_t who, std::uint8_t detail) {
    const WaiterId client = 1 + who % kClients;
    if (r_.is_waiting(client)) return;
    for (const auto id : r_.servers_in(State::held)) {
      if (r_.holder_of(id) == client) return;
    }
    r_.client_wants({.route = r_.roads[client % kRoutes.size()].id,
                     .waiter = client,
                     .worker = static_cast<WorkerIndex>(client % 4),
                     .fit = detail % 3u,
                     .kind = detail % 16 == 0 ? HoldKind::pin : HoldKind::transaction,
                     .priority = static_cast<std::uint8_t>(detail % 5 == 0 ? 0 : 1),
                     .deadline = detail % 7 == 0 ? r_.now + 300ms : Instant::never()});
  }

  void leave(std::uint8_t who) {
    if (!r_.queue.empty()) r_.client_gone(r_.queue[who % r_.queue.size()].want.waiter);
  }

  void rare(std::uint8_t who, std::uint8_t detail) {
    auto& road = r_.roads[who % r_.roads.size()];
    switch (detail % 8) {
      case 0:
        return r_.pause(road.id, !road.paused);
      case 1:
        return r_.recycle_all(road.id);
      case 2:
        return set_budget(1 + detail % 9);
      case 3:
        return resize(road, 1 + detail % 5);
      case 4:
        return forget_and_meet_again(road);
      default:
        return r_.pause(road.id, false);
    }
  }

  void set_budget(int budget) {
    auto limits = r_.limits;
    limits.budget = budget;
    r_.set_limits(limits);
  }

  void forget_and_meet_again(const Referee::Road& road) {
    const auto limits = road.limits;
    if (r_.forget_route(road.id)) r_.add_route(limits);
  }

  void resize(const Referee::Road& road, int size) {
    auto limits = road.limits;
    limits.pool_size = size;
    r_.set_route_limits(road.id, limits);
  }

  Referee& r_;
};

constexpr UpstreamLimits kUpstream{
    .budget = 6, .opening_max = 3, .overtake_max = 2, .overtake_wait_max = 200ms};

std::string complaint_about(const History& history) {
  Referee referee(kUpstream);
  Player player(referee);
  for (const auto& step : history) {
    player.play(step);
    if (!referee.complaint.empty()) return referee.complaint;
  }
  for (const auto& road : std::vector(referee.roads)) referee.pause(road.id, false);
  referee.play_out();
  return referee.complaint;
}

// Steps of full range from the first case on: RapidCheck's numbers begin near zero otherwise.
rc::Gen<History> histories(std::size_t steps) {
  const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<Step>());
  return rc::gen::container<History>(steps, step);
}

RC_GTEST_PROP(PoolProperty, ShortHistoriesKeepTheRules, ()) {
  RC_ASSERT(complaint_about(*rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 200), histories)) ==
            "");
}

History history_of(unsigned seed, int steps) {
  std::mt19937 random(seed);
  History history;
  for (int i = 0; i < steps; ++i) {
    const auto bits = random();
    history.emplace_back(bits & 0xff, bits >> 8 & 0xff, bits >> 16 & 0xff);
  }
  return history;
}

// Too long to be shrunk in reasonable time: a seed says it all.
TEST(PoolProperty, LongHistoriesKeepTheRules) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    ASSERT_EQ(complaint_about(history_of(seed, 3000)), "") << "seed " << seed;
  }
}

// Everything that the pool says in a history, in order.
Actions protocol_of(const History& history, std::uint64_t seed) {
  Referee referee(kUpstream, seed);
  Player player(referee);
  Actions all;
  for (const auto& step : history) {
    player.play(step);
    all.insert(all.end(), referee.said().begin(), referee.said().end());
    all.push_back({.kind = ActionKind::open,
                   .waiter = static_cast<WaiterId>(referee.pool.next_deadline().ns)});
  }
  return all;
}

RC_GTEST_PROP(PoolProperty, TheSameHistoryGivesTheSameActions, (std::uint64_t seed)) {
  const auto history = *histories(1000);
  RC_ASSERT(protocol_of(history, seed) == protocol_of(history, seed));
}

// The histories above prove little if they never get anywhere.
TEST(PoolProperty, HistoriesReachEveryCorner) {
  const History history = history_of(1, 60000);
  std::set<std::pair<ActionKind, Reason>> seen;
  for (const auto& action : protocol_of(history, 1)) seen.insert({action.kind, action.reason});
  for (const auto reason : {Reason::pool_timeout, Reason::queue_full, Reason::overload_shed,
                            Reason::connect_failed, Reason::pins_full}) {
    EXPECT_TRUE(seen.contains({ActionKind::refuse, reason})) << name(reason);
  }
  for (const auto reason : {Reason::evicted, Reason::surplus, Reason::idle_timeout,
                            Reason::lifetime_over, Reason::admin_close}) {
    EXPECT_TRUE(seen.contains({ActionKind::close, reason})) << name(reason);
  }
}

#ifdef TIDEGATE_PLANTED_BUGS
TEST(PoolProperty, FindsEachPlantedBug) {
  for (const auto bug : {Planted::lost_wakeup, Planted::budget_off_by_one,
                         Planted::waiter_served_twice_after_gone, Planted::fifo_broken}) {
    plant(bug);
    EXPECT_NE(complaint_about(history_of(1, 3000)), "") << static_cast<int>(bug);
    plant(Planted::none);
  }
}
#endif

}  // namespace
}  // namespace tidegate::pool
