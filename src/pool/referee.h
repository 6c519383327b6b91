// For tests: a pool with a referee beside it. Every event goes to the pool through the referee,
// which keeps its own books in the slowest and most obvious way, predicts who must get which
// server, and complains about the first action, or the first silence, that breaks the rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pool/pool.h"

namespace tidegate::pool {

class Referee {
 public:
  enum class State { opening, free, idle, held, closing };
  struct Client {
    Want want;
    Instant since, deadline;
    int number = 0, overtaken = 0;
  };
  struct Machine {
    ServerId id;
    RouteId route;
    State state = State::opening;
    WorkerIndex home = 0;
    FitTag fit = 0;
    int idle_number = 0;
    Instant idle_since;
    Client holder;
  };
  struct Road {
    RouteId id;
    RouteLimits limits;
    bool paused = false, removed = false;
    bool login_refused = false;  // and none has succeeded since
  };

  explicit Referee(const UpstreamLimits& upstream, std::uint64_t seed = 1)
      : limits(upstream), pool(upstream, seed) {}

  RouteId add_route(const RouteLimits& route_limits);
  void client_wants(const Want& want);
  void client_gone(WaiterId waiter);
  void server_ready(ServerId server, FitTag fit = 0);
  void server_failed(ServerId server, Reason reason, Setback setback);  // and is gone
  void login_failed(ServerId server, Reason reason, Setback setback);   // and is closing
  void server_released(ServerId server, FitTag fit = 0);
  bool hold_changed(ServerId server, HoldKind kind);
  void assign_failed(ServerId server, bool waiter_alive);
  void server_silent(ServerId server);
  void server_closing(ServerId server);
  void server_gone(ServerId server);
  void pause(RouteId route, bool paused);
  void recycle_all(RouteId route);
  void remove_route(RouteId route);
  bool forget_route(RouteId route);
  void set_limits(const UpstreamLimits& upstream);
  void set_route_limits(RouteId route, const RouteLimits& route_limits);
  void pass(Duration time);  // without a tick
  void tick(Duration time = Duration{0});
  // Answers everything and lets time pass until nobody waits; complains when that does not happen.
  void play_out();

  // What the pool said to the last event.
  const Actions& said() const { return last_said_; }
  const Action* said(ActionKind kind) const;
  int count(RouteId route, State state) const;
  int count(State state) const;
  int waiting(RouteId route) const;
  bool is_waiting(WaiterId waiter) const;
  std::vector<ServerId> servers_in(State state) const;
  WaiterId holder_of(ServerId server) const;
  std::string fingerprint() const;  // equal for situations that differ only in names and times

  UpstreamLimits limits;
  Pool pool;
  Instant now{1'000'000'000};
  std::vector<Client> queue;  // in the order of coming
  std::vector<Machine> machines;
  std::vector<Road> roads;
  std::string complaint;  // empty = all was well so far

 private:
  void complain(std::string_view what);
  void require(bool fine, std::string_view what) {
    if (!fine) complain(what);
  }
  Machine* machine(ServerId id);
  Road* road(RouteId id);
  const Road* road(RouteId id) const { return const_cast<Referee*>(this)->road(id); }
  int size(RouteId route) const;
  int listeners(RouteId route) const;
  bool has_hope(RouteId route) const;
  int coming_at_most(const Road& road) const;
  int room(const Road& road) const;
  void forget(ServerId id);
  void heed();  // judges what the pool said, then the situation
  void heed_open(const Action& action);
  void heed_assign(const Action& action);
  void heed_close(const Action& action);
  void heed_refuse(const Action& action);
  void judge_situation();
  void judge_route(const Road& road);
  bool should_open(const Road& road) const;
  const Machine* best_idle(const Want& want) const;
  std::vector<Client*> rightful(const Machine& server);  // the overtaken, then the chosen
  std::vector<Client>::iterator find_client(WaiterId id);

  Actions said_;              // of the event under way
  Actions last_said_;         // of the event before
  bool unreachable_ = false;  // a connect failed, and none has succeeded since
  bool budget_cut_ = false;
  int last_number_ = 0;
  int last_idle_number_ = 0;
};

}  // namespace tidegate::pool
