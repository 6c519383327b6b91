// Growth: what is opened for whom, and whose server is evicted for it when the budget is used up.
#include "base/check.h"
#include "base/planted.h"
#include "pool/state.h"

namespace tidegate::pool {
namespace {

// How many of the longest idle servers are considered for eviction at once.
constexpr int kVictimSearchMax = 32;

}  // namespace

int Pool::State::budget() const {
  return limits.budget + (planted(Planted::budget_off_by_one) ? 1 : 0);
}

void Pool::State::settle(Actions& out) {
  while (total < budget() && may_connect()) {
    const bool clients_need = !needs.empty() && needs.top_key().kind != NeedKind::spare;
    if (!clients_need && !promises.empty()) {
      withdraw_promise(*promises.front());  // a free place is better than a promised one
    } else if (!needs.empty()) {
      open(*needs.top(), out);
    } else {
      break;
    }
  }
  while (Server* server = victim()) close(*server, Reason::evicted, out);
}

// On the worker of the first waiter that has no server on its way, so that it need not move.
void Pool::State::open(Route& route, Actions& out) {
  const Waiter* const waiter = route.queue.at(route.opening);
  const ServerId id = servers.emplace();
  Server& server = *servers.find(id);
  server.id = id;
  server.route = &route;
  server.epoch = route.epoch;
  server.home = waiter != nullptr ? waiter->ticket.want.worker : route.worker_last;
  enter_state(server, ServerState::opening);
  route.need_number = ++number_last;  // it had its turn: others in the same need come first
  ++total;
  ++totals.opened;
  out.push_back({.kind = ActionKind::open,
                 .server = id,
                 .route = route.id,
                 .worker = server.home,
                 .home = server.home});
  refresh(route);
}

// A route that a place is promised to keeps its own in the line: the place may go to another.
void Pool::State::refresh(Route& route) {
  if (auto need = need_of(route)) {
    const bool comes = route.need_number == 0;
    if (comes) route.need_number = ++number_last;
    const bool changes = needs.contains(route) && needs.key(route).kind != need->kind;
    if (comes || changes) route.need_since = clock;
    need->number = route.need_number;
    needs.put(route, *need);
  } else {
    needs.remove(route);
    if (route.promised == 0) route.need_number = 0;
  }
  const Instant alarm = alarm_of(route);
  alarm.is_never() ? alarms.remove(route) : alarms.put(route, alarm);
}

std::optional<Need> Pool::State::need_of(const Route& route) const {
  if (route.paused || route.removed || route.refusals.resting(clock)) return std::nullopt;
  if (route.refusals.troubled() && route.opening > 0) return std::nullopt;
  const RouteLoad load = route.load();
  const int share = route.live() + route.promised;
  if (servers_missing(route.limits, load) > 0) {
    const bool stranded = route.serving() + route.promised == 0;
    return Need{stranded ? NeedKind::stranded : NeedKind::clients, share};
  }
  if (spares_missing(route.limits, load) > 0) return Need{NeedKind::spare, share};
  return std::nullopt;
}

// When the route needs a look only because time has passed: to try a refused login again, or to
// shed.
Instant Pool::State::alarm_of(const Route& route) const {
  if (route.removed) return Instant::never();
  const bool wants = !route.queue.empty() || route.limits.min_idle > 0;
  const bool retry = wants && !route.paused && route.refusals.resting(clock);
  const Instant retry_at = retry ? route.refusals.retry_at() : Instant::never();
  return std::min(retry_at, route.queue.shed_at(route.limits));
}

bool Pool::State::may_connect() const {
  if (failures.resting(clock)) return false;
  return opening < (failures.troubled() ? 1 : limits.opening_max);
}

// An evicted server is a connect soon to come, and counts as one.
bool Pool::State::may_evict() const {
  if (needs.empty() || needs.top_key().kind == NeedKind::spare || total < budget()) return false;
  if (failures.resting(clock)) return false;
  return opening + promises.size() < (failures.troubled() ? 1 : limits.opening_max);
}

// The idle server to be closed for the neediest route: of the route with the most servers the one
// that is idle longest. Null when there is no need, or none may be taken.
Server* Pool::State::victim() const {
  if (idle.empty() || !may_evict()) return nullptr;
  Server* best = nullptr;
  Server* candidate = idle.back();
  for (int i = 0; candidate != nullptr && i < kVictimSearchMax; ++i) {
    const int share = candidate->route->live();
    const bool better = best == nullptr || share > best->route->live();
    if (better &&
        may_take_idle(needs.top_key(), share, clock - candidate->idle_since, limits.evict_after)) {
      best = candidate;
    }
    candidate = idle.previous(*candidate);
  }
  return best;
}

bool Pool::State::must_hand_over(const Server& server) const {
  if (!may_evict() || needs.top() == server.route) return false;
  const Route& neediest = *needs.top();
  return may_take_busy(needs.top_key(), server.route->live(), clock - neediest.need_since,
                       clock - server.ready_at, limits.evict_after);
}

// When settle() could do more only because time has passed.
Instant Pool::State::next_growth_at() const {
  if (needs.empty()) return Instant::never();
  if (failures.resting(clock)) return failures.retry_at();
  if (total < budget() && may_connect()) return clock;  // a route was added since the last event
  if (!may_evict() || idle.empty()) return Instant::never();
  return idle.back()->idle_since + limits.evict_after;
}

}  // namespace tidegate::pool
