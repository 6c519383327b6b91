#include "pool/referee.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pool/sizing.h"

namespace tidegate::pool {

using State = Referee::State;

namespace {

// What the histories below let the database, or the way there, say no with.
bool is_of_the_database(Reason reason) {
  return reason == Reason::connect_failed || reason == Reason::server_login_failed ||
         reason == Reason::dns_failed || reason == Reason::server_tls_failed ||
         reason == Reason::server_lost;
}

}  // namespace

void Referee::complain(std::string_view what) {
  if (complaint.empty()) complaint = what;
}

Referee::Machine* Referee::machine(ServerId id) {
  for (auto& m : machines) {
    if (m.id == id) return &m;
  }
  return nullptr;
}

Referee::Road* Referee::road(RouteId id) {
  for (auto& r : roads) {
    if (r.id == id) return &r;
  }
  return nullptr;
}

std::vector<Referee::Client>::iterator Referee::find_client(WaiterId id) {
  return std::find_if(queue.begin(), queue.end(),
                      [&](const Client& c) { return c.want.waiter == id; });
}

int Referee::count(RouteId route, State state) const {
  return static_cast<int>(std::count_if(machines.begin(), machines.end(), [&](const Machine& m) {
    return m.route == route && m.state == state;
  }));
}

int Referee::count(State state) const {
  return static_cast<int>(std::count_if(machines.begin(), machines.end(),
                                        [&](const Machine& m) { return m.state == state; }));
}

int Referee::size(RouteId route) const {
  return static_cast<int>(std::count_if(machines.begin(), machines.end(),
                                        [&](const Machine& m) { return m.route == route; }));
}

// Listeners that have a server, and that wait for one: beyond pool_size.
int Referee::listeners(RouteId route) const {
  const auto listens = [route](const Want& want) {
    return want.route == route && want.kind == HoldKind::listen;
  };
  const auto holding = std::ranges::count_if(
      machines, [&](const Machine& m) { return m.state == State::held && listens(m.holder.want); });
  const auto hoping =
      std::ranges::count_if(queue, [&](const Client& c) { return listens(c.want); });
  return static_cast<int>(holding + hoping);
}

int Referee::waiting(RouteId route) const {
  return static_cast<int>(std::count_if(queue.begin(), queue.end(),
                                        [&](const Client& c) { return c.want.route == route; }));
}

bool Referee::is_waiting(WaiterId waiter) const {
  return const_cast<Referee*>(this)->find_client(waiter) != queue.end();
}

std::vector<ServerId> Referee::servers_in(State state) const {
  std::vector<ServerId> ids;
  for (const auto& m : machines) {
    if (m.state == state) ids.push_back(m.id);
  }
  return ids;
}

WaiterId Referee::holder_of(ServerId server) const {
  return const_cast<Referee*>(this)->machine(server)->holder.want.waiter;
}

const Action* Referee::said(ActionKind kind) const {
  for (const auto& action : last_said_) {
    if (action.kind == kind) return &action;
  }
  return nullptr;
}

void Referee::forget(ServerId id) {
  std::erase_if(machines, [&](const Machine& m) { return m.id == id; });
}

RouteId Referee::add_route(const RouteLimits& route_limits) {
  const RouteId id = pool.add_route(route_limits);
  roads.push_back({id, route_limits});
  return id;
}

void Referee::client_wants(const Want& want) {
  Instant deadline = want.deadline;
  const Road* wanted = road(want.route);
  if (wanted != nullptr && wanted->limits.pool_timeout > Duration{0}) {
    deadline = std::min(deadline, (want.again ? want.since : now) + wanted->limits.pool_timeout);
  }
  const int coming = wanted == nullptr ? 0 : coming_at_most(*wanted);
  queue.push_back({want, now, deadline, ++last_number_});
  pool.client_wants(want, now, said_);
  heed();
  if (want.again || !is_waiting(want.waiter)) return;
  require(waiting(want.route) <= wanted->limits.queue_max + coming, "more wait than queue_max");
}

// Servers of the route that nobody has to give up first: under way, to be opened, or in the place
// of one that closes or is idle elsewhere.
int Referee::coming_at_most(const Road& r) const {
  if (r.paused) return 0;
  const int elsewhere = count(State::closing) + count(State::idle) - count(r.id, State::idle);
  return count(r.id, State::opening) + elsewhere + room(r);
}

// Servers that the limits leave to be opened.
int Referee::room(const Road& r) const {
  const int places = r.limits.pool_size + r.limits.max_overflow - size(r.id);
  return std::max(0, std::min(places, limits.budget - static_cast<int>(machines.size())));
}

void Referee::client_gone(WaiterId waiter) {
  if (const auto client = find_client(waiter); client != queue.end()) queue.erase(client);
  pool.client_gone(waiter, now, said_);
  heed();
}

void Referee::server_ready(ServerId server, FitTag fit) {
  Machine& m = *machine(server);
  if (m.state == State::opening) {
    m.state = State::free;
    m.fit = fit;
    unreachable_ = false;
    road(m.route)->login_refused = false;
  }
  pool.server_ready(server, fit, now, said_);
  heed();
}

void Referee::login_failed(ServerId server, Reason reason, Setback setback) {
  const RouteId route = machine(server)->route;
  const bool counts = machine(server)->state == State::opening;
  if (counts) {
    const bool answered = setback == Setback::of_route || setback == Setback::passing_of_route;
    unreachable_ = !answered;
    if (answered) road(route)->login_refused = true;
  }
  machine(server)->state = State::closing;
  pool.server_failed(server, reason, setback, now, said_);
  heed();
  if (!counts || setback == Setback::passing || setback == Setback::passing_of_route) return;
  for (const auto& r : roads) {
    if (setback == Setback::of_route && r.id != route) continue;
    require(has_hope(r.id) || waiting(r.id) == 0, "a client waits for what will not come");
  }
}

// A server of the route serves, or may soon.
bool Referee::has_hope(RouteId route) const {
  return count(route, State::opening) + count(route, State::idle) + count(route, State::held) > 0;
}

void Referee::server_failed(ServerId server, Reason reason, Setback setback) {
  login_failed(server, reason, setback);
  const Actions said = last_said_;
  server_gone(server);
  last_said_.insert(last_said_.begin(), said.begin(), said.end());
}

void Referee::server_released(ServerId server, FitTag fit) {
  Machine& m = *machine(server);
  m.state = State::free;
  m.fit = fit;
  pool.server_released(server, fit, now, said_);
  heed();
}

bool Referee::hold_changed(ServerId server, HoldKind kind) {
  const bool changed = pool.hold_changed(server, kind, now, said_);
  if (changed) machine(server)->holder.want.kind = kind;
  heed();
  return changed;
}

void Referee::assign_failed(ServerId server, bool waiter_alive) {
  const Client back = machine(server)->holder;
  forget(server);
  if (waiter_alive) {
    const auto place = std::find_if(queue.begin(), queue.end(),
                                    [&](const Client& c) { return c.number > back.number; });
    queue.insert(place, back);
  }
  pool.assign_failed(server, waiter_alive, now, said_);
  heed();
}

void Referee::server_silent(ServerId server) {
  pool.server_silent(server, now, said_);
  heed();
}

void Referee::server_closing(ServerId server) {
  machine(server)->state = State::closing;
  pool.server_closing(server, now, said_);
  heed();
}

void Referee::server_gone(ServerId server) {
  forget(server);
  pool.server_gone(server, now, said_);
  heed();
}

void Referee::pause(RouteId route, bool paused) {
  road(route)->paused = paused;
  pool.pause(route, paused, now, said_);
  heed();
}

void Referee::recycle_all(RouteId route) {
  pool.recycle_all(route, now, said_);
  heed();
}

void Referee::remove_route(RouteId route) {
  road(route)->removed = true;
  pool.remove_route(route, now, said_);
  heed();
}

bool Referee::forget_route(RouteId route) {
  const bool unused = size(route) + waiting(route) == 0 && !road(route)->paused;
  const bool forgotten = pool.forget_route(route);
  require(unused || !forgotten, "a route in use is forgotten");
  if (forgotten) std::erase_if(roads, [&](const Road& r) { return r.id == route; });
  return forgotten;  // the pool says nothing to it; the next event judges what it left
}

void Referee::set_limits(const UpstreamLimits& upstream) {
  budget_cut_ = static_cast<int>(machines.size()) > upstream.budget;
  limits = upstream;
  pool.set_limits(upstream, now, said_);
  heed();
}

void Referee::set_route_limits(RouteId route, const RouteLimits& route_limits) {
  road(route)->limits = route_limits;
  pool.set_route_limits(route, route_limits, now, said_);
  heed();
}

void Referee::pass(Duration time) {
  now = now + time;
}

void Referee::tick(Duration time) {
  pass(time);
  pool.tick(now, said_);
  heed();
  require(pool.next_deadline() > now, "a tick leaves something due");
  for (const auto& c : queue) require(c.deadline > now, "a deadline passed unnoticed");
}

void Referee::heed() {
  for (const auto& action : said_) {
    switch (action.kind) {
      case ActionKind::open:
        heed_open(action);
        break;
      case ActionKind::assign:
        heed_assign(action);
        break;
      case ActionKind::close:
        heed_close(action);
        break;
      case ActionKind::refuse:
        heed_refuse(action);
        break;
    }
  }
  judge_situation();
  last_said_.swap(said_);
  said_.clear();
}

void Referee::heed_open(const Action& action) {
  const Road* r = road(action.route);
  require(machine(action.server) == nullptr, "a server is opened twice");
  require(r != nullptr && !r->paused && !r->removed, "a server is opened for a closed route");
  require(static_cast<int>(machines.size()) < limits.budget, "the budget is exceeded");
  require(count(State::opening) < limits.opening_max, "too many logins at once");
  machines.push_back({.id = action.server, .route = action.route, .home = action.worker});
  if (r == nullptr) return;
  const int spare = count(r->id, State::idle) + count(r->id, State::opening) - waiting(r->id);
  require(spare <= r->limits.min_idle || spare <= 0, "a server is opened for nobody");
  const int overflow = waiting(r->id) > 0 ? r->limits.max_overflow : 0;
  require(size(r->id) - listeners(r->id) <= r->limits.pool_size + overflow,
          "pool_size is exceeded");
}

const Referee::Machine* Referee::best_idle(const Want& want) const {
  const bool lifo = road(want.route)->limits.lifo;
  const auto rank = [&](const Machine& m) {
    const int merit = 2 * (m.home == want.worker) + (m.fit == want.fit);
    return lifo ? std::pair{merit, m.idle_number} : std::pair{0, -m.idle_number};
  };
  const Machine* best = nullptr;
  for (const auto& m : machines) {
    if (m.route != want.route || m.state != State::idle) continue;
    if (best == nullptr || rank(m) > rank(*best)) best = &m;
  }
  return best;
}

std::vector<Referee::Client*> Referee::rightful(const Machine& server) {
  std::vector<Client*> line;
  for (auto& c : queue) {
    if (c.want.route == server.route) line.push_back(&c);
  }
  std::stable_sort(line.begin(), line.end(),
                   [](auto* a, auto* b) { return a->want.priority < b->want.priority; });
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i]->want.priority != line[0]->want.priority) break;
    if (line[i]->want.worker == server.home) return {line.begin(), line.begin() + i + 1};
    const bool patient = line[i]->overtaken < limits.overtake_max &&
                         now - line[i]->since <= limits.overtake_wait_max &&
                         static_cast<int>(i) < limits.overtake_max;
    if (!patient) break;
  }
  line.resize(std::min<std::size_t>(line.size(), 1));
  return line;
}

void Referee::heed_assign(const Action& action) {
  Machine* m = machine(action.server);
  const auto client = find_client(action.waiter);
  if (m == nullptr || client == queue.end()) return complain("an assignment of the unknown");
  const Road& r = *road(m->route);
  require(m->state == State::idle || m->state == State::free, "a busy server is assigned");
  require(client->want.route == m->route && action.route == m->route, "the wrong route's server");
  require(action.worker == client->want.worker && action.home == m->home, "the wrong worker");
  require(!r.paused && !r.removed, "a closed route's server is assigned");
  if (m->state == State::idle) {
    require(waiting(m->route) == 1, "somebody waited while a server was idle");
    require(best_idle(client->want) == m, "not the best idle server");
    const bool stale = now - m->idle_since > r.limits.ping_after;
    require(action.verify || !stale || !r.limits.pre_ping, "an old server is not verified");
  } else {
    const auto line = rightful(*m);
    require(line.back()->want.waiter == action.waiter, "the wrong client is served");
    for (Client* c : line) c->overtaken += c->want.waiter != action.waiter;
  }
  m->holder = *client;
  m->state = State::held;
  m->home = action.worker;
  queue.erase(client);
}

void Referee::heed_close(const Action& action) {
  Machine* m = machine(action.server);
  if (m == nullptr) return complain("a close of the unknown");
  const bool closable = m->state == State::idle || m->state == State::free ||
                        (m->state == State::opening && action.reason == Reason::route_removed);
  require(closable, "a server in use is closed");
  if (action.reason == Reason::evicted) {
    const bool full = static_cast<int>(machines.size()) >= limits.budget;
    const bool wanted = std::any_of(queue.begin(), queue.end(),
                                    [&](const Client& c) { return c.want.route != m->route; });
    require(full && wanted, "an eviction for nobody");
  }
  m->state = State::closing;
}

void Referee::heed_refuse(const Action& action) {
  const auto client = find_client(action.waiter);
  if (client == queue.end()) return complain("a refusal of the unknown");
  const Road* r = road(client->want.route);
  if (action.reason == Reason::pool_timeout)
    require(client->deadline <= now, "too early a timeout");
  if (action.reason == Reason::queue_full) {
    const bool may_open = !r->paused && !r->login_refused && !unreachable_;
    const int coming = r->paused ? 0 : count(r->id, State::opening) + (may_open ? room(*r) : 0);
    require(waiting(r->id) > r->limits.queue_max + coming, "the queue is not full");
    require(!client->want.again, "one that comes again finds the queue full");
  }
  if (action.reason == Reason::overload_shed) {
    require(client->since + 2 * shed_target(r->limits) <= now, "shed too early");
    require(r->limits.shed, "shedding is off");
  }
  if (action.reason == Reason::route_removed) require(r == nullptr || r->removed, "not removed");
  if (is_of_the_database(action.reason)) {
    require(client->deadline <= now || !has_hope(r->id), "refused while a login is under way");
  }
  queue.erase(client);
}

void Referee::judge_situation() {
  for (auto& m : machines) {
    if (m.state != State::free) continue;
    m.state = State::idle;
    m.idle_since = now;
    m.idle_number = ++last_idle_number_;
  }
  if (static_cast<int>(machines.size()) <= limits.budget) budget_cut_ = false;
  require(static_cast<int>(machines.size()) <= limits.budget || budget_cut_, "over budget");
  require(pool.total_servers() == static_cast<int>(machines.size()), "a server is lost");
  for (const auto& r : roads) judge_route(r);
  for (const auto& m : machines) require(road(m.route) != nullptr, "a server without a route");
  Instant earliest = Instant::never();
  for (const auto& c : queue) earliest = std::min(earliest, c.deadline);
  require(pool.next_deadline() <= earliest, "next_deadline is too late");
  pool.check_invariants();
}

void Referee::judge_route(const Road& r) {
  const RouteCounts counts = pool.counts(r.id);
  const bool same =
      counts.opening == count(r.id, State::opening) && counts.idle == count(r.id, State::idle) &&
      counts.held == count(r.id, State::held) && counts.closing == count(r.id, State::closing) &&
      counts.waiting == waiting(r.id);
  require(same, "the counts differ");
  const bool idle = counts.idle > 0;
  require(!idle || r.paused || waiting(r.id) == 0, "a client waits while a server is idle");
  require(!idle || (!r.paused && !r.removed), "a closed route keeps an idle server");
  require(!should_open(r), "a client waits and nothing is opened");
}

// Nothing forbids it, and nothing that is under way will do.
bool Referee::should_open(const Road& r) const {
  if (r.paused || r.removed || r.login_refused || unreachable_) return false;
  if (waiting(r.id) <= count(r.id, State::opening) + count(State::closing)) return false;
  if (size(r.id) >= r.limits.pool_size + r.limits.max_overflow) return false;
  if (count(State::opening) >= limits.opening_max) return false;
  return static_cast<int>(machines.size()) < limits.budget;
}

void Referee::play_out() {
  constexpr int kRoundsMax = 200;
  for (int round = 0; round < kRoundsMax && !queue.empty() && complaint.empty(); ++round) {
    for (const auto id : servers_in(State::opening)) server_ready(id);
    for (const auto id : servers_in(State::held)) server_released(id);
    for (const auto id : servers_in(State::closing)) server_gone(id);
    const Instant next = pool.next_deadline();
    const Duration step = next.is_never() ? 1ms : std::clamp<Duration>(next - now, 1ms, 1s);
    tick(step);
  }
  require(queue.empty(), "somebody waits for ever");
}

std::string Referee::fingerprint() const {
  std::string print = unreachable_ ? "u" : "-";
  for (const auto& r : roads) {
    print += fmt::format("r{}{}{}", r.paused, r.removed, r.login_refused);
  }
  std::vector<std::string> parts;
  for (const auto& m : machines) {
    const int later =
        static_cast<int>(std::count_if(machines.begin(), machines.end(), [&](const Machine& other) {
          return other.state == State::idle && other.idle_number > m.idle_number;
        }));
    const bool held = m.state == State::held;
    parts.push_back(fmt::format(
        "s{}.{}.{}.{}.{}", m.route.slot, static_cast<int>(m.state), m.home,
        m.state == State::idle ? fmt::format("{}a{}", later, (now - m.idle_since) / 500ms) : "",
        held ? fmt::format("{}k{}", m.holder.want.waiter, static_cast<int>(m.holder.want.kind))
             : ""));
  }
  std::sort(parts.begin(), parts.end());
  for (const auto& part : parts) print += part;
  for (const auto& c : queue) {
    print += fmt::format("c{}.{}.{}", c.want.waiter, c.overtaken, (now - c.since) / 500ms);
  }
  return print;
}

namespace {

TEST(Referee, ComplainsWhenThePoolIsToldWhatItIsNot) {
  Referee referee({.budget = 1});
  const auto route = referee.add_route({.pool_size = 1});
  referee.client_wants({.route = route, .waiter = 1});
  ASSERT_EQ(referee.complaint, "");
  referee.limits.budget = 0;  // its books and the pool's now differ
  referee.tick();
  EXPECT_EQ(referee.complaint, "over budget");
}

TEST(Referee, ComplainsAboutTheWrongClient) {
  Referee referee({.budget = 1});
  const auto route = referee.add_route({.pool_size = 1});
  referee.client_wants({.route = route, .waiter = 1});
  referee.client_wants({.route = route, .waiter = 2});
  std::swap(referee.queue[0], referee.queue[1]);
  referee.server_ready(referee.servers_in(State::opening).front());
  EXPECT_EQ(referee.complaint, "the wrong client is served");
}

TEST(Referee, ComplainsAboutALostServer) {
  Referee referee({.budget = 1});
  const auto route = referee.add_route({.pool_size = 1});
  referee.client_wants({.route = route, .waiter = 1});
  referee.machines.clear();
  referee.tick();
  EXPECT_EQ(referee.complaint, "a server is lost");
}

}  // namespace
}  // namespace tidegate::pool
