// A server goes from state to state, and every count that depends on it goes along. Nothing else
// changes these counts.
#include "base/check.h"
#include "pool/state.h"

namespace tidegate::pool {

void Pool::State::move_to(Server& server, ServerState state) {
  leave_state(server);
  enter_state(server, state);
}

void Pool::State::leave_state(Server& server) {
  Route& route = *server.route;
  switch (server.state) {
    case ServerState::opening:
      --route.opening;
      --opening;
      break;
    case ServerState::idle:
      route.idle.take(server);
      idle.erase(server);
      break;
    case ServerState::held:
      --route.held;
      --route.held_by_kind[static_cast<int>(server.ticket.want.kind)];
      if (server.ticket.want.kind != HoldKind::transaction) {
        count_hold(route, server.ticket.want.kind, -1);
      }
      break;
    case ServerState::closing:
      --route.closing;
      --closing;
      break;
  }
}

void Pool::State::enter_state(Server& server, ServerState state) {
  Route& route = *server.route;
  server.state = state;
  switch (state) {
    case ServerState::opening:
      ++route.opening;
      ++opening;
      break;
    case ServerState::idle:
      server.idle_since = clock;
      route.idle.put(server);
      idle.push_front(server);
      watch_idle(server);
      break;
    case ServerState::held:
      ++route.held;
      ++route.held_by_kind[static_cast<int>(server.ticket.want.kind)];
      if (server.ticket.want.kind != HoldKind::transaction) {
        count_hold(route, server.ticket.want.kind, +1);
      }
      break;
    case ServerState::closing:
      ++route.closing;
      ++closing;
      break;
  }
}

void Pool::State::close(Server& server, Reason reason, Actions& out) {
  if (reason == Reason::evicted) ++totals.evicted;
  out.push_back({.kind = ActionKind::close,
                 .server = server.id,
                 .route = server.route->id,
                 .worker = server.home,
                 .home = server.home,
                 .reason = reason});
  start_closing(server);
}

void Pool::State::start_closing(Server& server) {
  move_to(server, ServerState::closing);
  promise_place(server);
}

// While the budget is used up, the place of a closing server is promised to the neediest route, so
// that one need does not evict twice.
void Pool::State::promise_place(Server& server) {
  refresh(*server.route);
  Route* const neediest = needs.top();
  if (neediest == nullptr || needs.top_key().kind == NeedKind::spare || total < budget()) return;
  server.promised_to = neediest->id;
  ++neediest->promised;
  if (server.route != neediest) ++neediest->promised_by_others;
  promises.push_back(server);
  refresh(*neediest);
}

void Pool::State::withdraw_promise(Server& server) {
  Route* const heir = routes.find(server.promised_to);
  server.promised_to = {};
  promises.erase(server);
  if (heir == nullptr) return;
  --heir->promised;
  if (server.route != heir) --heir->promised_by_others;
  refresh(*heir);
}

// The server is gone for good, whatever it was doing.
void Pool::State::remove(Server& server) {
  Route& route = *server.route;
  leave_state(server);
  --total;
  total_allowed = std::max(budget(), std::min(total_allowed, total));
  if (server.promised_to) withdraw_promise(server);
  servers.erase(server.id);
  refresh(route);
  remove_route_if_empty(route);
}

void Pool::State::remove_route_if_empty(Route& route) {
  if (!route.removed || route.size() > 0) return;
  TG_CHECK(route.queue.empty() && !needs.contains(route));
  alarms.remove(route);
  routes.erase(route.id);
}

}  // namespace tidegate::pool
