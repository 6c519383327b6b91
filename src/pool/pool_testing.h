// For tests: one pool behind its referee, and the few things that most tests do with it.
#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "pool/referee.h"

namespace tidegate::pool {

class PoolTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(r.complaint, ""); }

  RouteId start(const RouteLimits& limits, const UpstreamLimits& upstream = {}) {
    r.set_limits(upstream);
    return r.add_route(limits);
  }
  void want(RouteId route, WaiterId waiter, WorkerIndex worker = 0, FitTag fit = 0) {
    r.client_wants({.route = route, .waiter = waiter, .worker = worker, .fit = fit});
  }
  void ready_all(FitTag fit = 0) {
    for (const auto id : r.servers_in(Referee::State::opening)) r.server_ready(id, fit);
  }
  // The server that `waiter` holds; a handle to nothing when it holds none.
  ServerId held_by(WaiterId waiter) const {
    for (const auto id : r.servers_in(Referee::State::held)) {
      if (r.holder_of(id) == waiter) return id;
    }
    return {};
  }
  ServerId serve(RouteId route, WaiterId waiter, WorkerIndex worker = 0, FitTag fit = 0) {
    want(route, waiter, worker, fit);
    ready_all(fit);
    return held_by(waiter);
  }
  // Opens `count` servers of the route by as many clients at once, then lets go in that order.
  std::vector<ServerId> fill(RouteId route, int count) {
    std::vector<ServerId> ids;
    for (int i = 0; i < count; ++i) want(route, 900 + static_cast<WaiterId>(i));
    ready_all();
    for (int i = 0; i < count; ++i) ids.push_back(held_by(900 + static_cast<WaiterId>(i)));
    for (const auto id : ids) r.server_released(id);
    return ids;
  }
  Reason refused() const {
    const Action* const refusal = r.said(ActionKind::refuse);
    return refusal != nullptr ? refusal->reason : Reason::none;
  }
  Reason closed() const {
    const Action* const close = r.said(ActionKind::close);
    return close != nullptr ? close->reason : Reason::none;
  }

  Referee r{{}};
  Actions actions;  // for events that the referee need not judge
};

}  // namespace tidegate::pool
