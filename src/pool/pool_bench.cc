// The cost of the policy per transaction. Each round asks for a server and lets it go; what is
// measured is the pool alone, with the vector of actions reused as a worker reuses it.
#include "pool/pool.h"

#include <benchmark/benchmark.h>

namespace tidegate::pool {
namespace {

struct Bench {
  explicit Bench(const UpstreamLimits& limits = {}) : pool(limits) {}

  // Asks until `count` servers are held; the rest of `clients` waits.
  void start(RouteId route, WaiterId clients) {
    for (WaiterId i = 0; i < clients; ++i) want(route, next_waiter++);
    heed();
  }
  void want(RouteId route, WaiterId waiter) {
    pool.client_wants({.route = route,
                       .waiter = waiter,
                       .worker = static_cast<WorkerIndex>(waiter % 2),
                       .fit = 1},
                      now, out);
  }
  void heed() {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Action action = out[i];
      if (action.kind == ActionKind::open) pool.server_ready(action.server, 1, now, out);
      if (action.kind == ActionKind::assign) held.push_back(action.server);
    }
    out.clear();
  }
  // The one assignment that a round must bring.
  ServerId assigned() {
    const ServerId server = out.empty() ? ServerId{} : out.back().server;
    out.clear();
    return server;
  }

  Pool pool;
  Instant now{1'000'000'000};
  Actions out;
  std::vector<ServerId> held;
  WaiterId next_waiter = 1;
};

void assign_and_release_idle(benchmark::State& state) {
  Bench b;
  const auto route = b.pool.add_route({});
  b.start(route, 20);
  for (const auto id : b.held) b.pool.server_released(id, 1, b.now, b.out);
  b.out.clear();
  for (auto _ : state) {
    b.now = b.now + 1us;
    b.want(route, b.next_waiter++);
    const ServerId server = b.assigned();
    b.pool.server_released(server, 1, b.now, b.out);
  }
}
BENCHMARK(assign_and_release_idle);

// 20 servers, the queue always as long as the argument says: release to the next, and come again.
void release_to_next_waiter(benchmark::State& state) {
  Bench b;
  const auto route = b.pool.add_route({.shed = false});
  b.start(route, 20 + static_cast<WaiterId>(state.range(0)));
  std::size_t turn = 0;
  for (auto _ : state) {
    b.now = b.now + 1us;
    auto& server = b.held[turn++ % b.held.size()];
    b.pool.server_released(server, 1, b.now, b.out);
    server = b.assigned();
    b.want(route, b.next_waiter++);
    b.pool.tick(b.now, b.out);
    benchmark::DoNotOptimize(b.pool.next_deadline());
  }
}
BENCHMARK(release_to_next_waiter)->Arg(1)->Arg(44)->Arg(492)->Arg(9000);

// The same with all routes waiting and the budget used up: the fair sharing has to look each time.
void release_under_contention(benchmark::State& state) {
  const int routes = static_cast<int>(state.range(0));
  Bench b({.budget = 2 * routes, .opening_max = 2 * routes});
  std::vector<RouteId> ids;
  for (int i = 0; i < routes; ++i) ids.push_back(b.pool.add_route({.shed = false}));
  for (int i = 0; i < 10; ++i) {
    for (const auto id : ids) b.want(id, b.next_waiter++);
  }
  b.heed();
  std::size_t turn = 0;
  for (auto _ : state) {
    auto& server = b.held[turn++ % b.held.size()];
    b.pool.server_released(server, 1, b.now, b.out);
    const auto route = b.out.back().route;
    server = b.assigned();
    b.want(route, b.next_waiter++);
  }
}
BENCHMARK(release_under_contention)->Arg(2)->Arg(20)->Arg(200);

void leave_the_queue(benchmark::State& state) {
  Bench b;
  const auto route = b.pool.add_route({});
  b.start(route, 20 + static_cast<WaiterId>(state.range(0)));
  for (auto _ : state) {
    const WaiterId waiter = b.next_waiter++;
    b.want(route, waiter);
    b.pool.client_gone(waiter, b.now, b.out);
    b.out.clear();
  }
}
BENCHMARK(leave_the_queue)->Arg(44)->Arg(9000);

}  // namespace
}  // namespace tidegate::pool
