#include "proxy/worker.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "proxy/cancel_errand.h"
#include "proxy/hub.h"

namespace tidegate::proxy {
namespace {

// A client that came to a worker with this many more than another is handed over.
constexpr std::size_t kImbalanceMax = 8;
// What settles in one turn may cause more to settle; after so many rounds the rest waits a turn.
constexpr int kSettleRounds = 4;
// So many times in a route_idle_timeout it is looked for routes to forget.
constexpr int kLooksPerTimeout = 4;

}  // namespace

Worker::Worker(Process& process, WorkerIndex index, net::Reactor& reactor)
    : process_(process),
      index_(index),
      reactor_(reactor),
      entropy_(reactor.entropy()),
      period_ends_(reactor.now() + process.config().stats_period) {
  TG_CHECK(index < kWorkersMax);
  for (const auto& upstream : process.routes().upstreams()) {
    gates_.push_back(std::make_unique<PoolGate>(*this, *upstream));
  }
  if (process.config().route_idle_timeout > Duration{0}) forget_at_ = reactor.now();
  process.enlist(*this);
}

Worker::~Worker() {
  for (const auto& [slot, hub] : listeners_) hub->stop();
}

// --- Arrivals ---

Worker& Worker::least_loaded() {
  auto* best = this;
  for (auto* other : process_.workers()) {
    if (other->load_.load(std::memory_order_relaxed) + kImbalanceMax <
        best->load_.load(std::memory_order_relaxed)) {
      best = other;
    }
  }
  return *best;
}

void Worker::accepted(net::ListenerId, net::ParcelPtr parcel, const net::Address& peer,
                      const net::Address&) {
  auto& worker = least_loaded();
  if (&worker == this) return adopt(std::move(parcel), peer);
  worker.post([&worker, parcel = std::move(parcel), peer]() mutable {
    worker.adopt(std::move(parcel), peer);
  });
}

void Worker::adopt(net::ParcelPtr parcel, const net::Address& peer) {
  if (process_.leaving()) return turn_away(std::move(parcel), Reason::shutting_down);
  const int clients_max = process_.config().clients_max;
  const int places = clients_max == 0 ? 0 : clients_max + kHeardOutMax;
  auto ticket = Ticket::take(process_.clients(), places);
  if (!ticket && make_room()) ticket = Ticket::take(process_.clients(), places);
  if (!ticket || clients_.size() + 1 >= kClientSlotsMax) {
    return turn_away(std::move(parcel), Reason::clients_full);
  }
  load_.fetch_add(1, std::memory_order_relaxed);
  const auto id = clients_.emplace(*this);
  clients_.find(id)->begin(id, std::move(parcel), peer, std::move(ticket));
}

// Of those that came to this worker: a silent one among them is to keep nobody out for as long as
// client_login_timeout. A crowd that comes at once is not made to push each other out.
bool Worker::make_room() {
  for (const auto& [since, id] : newcomers_) {
    if (reactor_.now() - since < kNewcomerPatience) return false;
    if (clients_.find(ClientId::unpacked(id))->give_way()) return true;
  }
  return false;
}

void Worker::derive_secret(const std::string& user) {
  std::vector<std::uint8_t> salt(16);
  entropy_.fill(salt);
  reactor_.offload([&secrets = process_.secrets(), user, salt] { secrets.derive(user, salt); },
                   [&process = process_, user] {
                     for (auto* worker : process.workers()) {
                       worker->post([worker, user] { worker->secret_derived(user); });
                     }
                   });
}

// Whoever asked while it was not known did so before this was posted, and is seen here.
void Worker::secret_derived(const std::string& user) {
  std::vector<ClientId> waiting;  // telling one may change who the newcomers are
  for (const auto& [since, packed] : newcomers_) {
    const auto id = ClientId::unpacked(packed);
    if (clients_.find(id)->waits_for_secret_of(user)) waiting.push_back(id);
  }
  if (waiting.empty()) return;
  const auto secret = process_.secrets().find(user);
  for (const auto id : waiting) {
    if (auto* client = clients_.find(id)) client->secret_found(*secret);
  }
}

// No client is made of it: a crowd at the door must cost next to nothing.
void Worker::turn_away(net::ParcelPtr parcel, Reason reason) {
  const auto stream = reactor_.adopt(std::move(parcel), nullptr);
  log().write(LogLevel::info, "client turned away",
              {{"reason", name(reason)}, {"address", reactor_.peer_address(stream).text()}});
  reactor_.write(stream, postgres::turned_away(reason));
  reactor_.close(stream, net::CloseMode::flush);
}

void Worker::accept_shed(net::ListenerId) {
  log().write(LogLevel::warning, "out of file descriptors: a connection was closed unheard", {});
}

// --- The end of a turn ---

bool Worker::settle() {
  end_period();
  if (reactor_.now() >= forget_at_) forget_routes();
  for (int round = 0; round < kSettleRounds; ++round) {
    run_later();
    run_gates();
    bury_the_dead();
    if (later_.empty() && noted_gates_.empty()) return false;
  }
  return true;
}

void Worker::run_later() {
  std::swap(later_, running_);
  for (auto& task : running_) task();
  running_.clear();
}

void Worker::run_gates() {
  std::swap(noted_gates_, running_gates_);
  for (auto* gate : running_gates_) {
    // Carrying out an action may note something new, which marks the gate again for next round.
    for (const auto& action : gate->run()) {
      note(action);
      carry_out(*gate, action);
    }
  }
  running_gates_.clear();
}

void Worker::bury_the_dead() {
  for (const auto id : dead_clients_) {
    if (clients_.erase(id)) load_.fetch_sub(1, std::memory_order_relaxed);
  }
  dead_clients_.clear();
  for (const auto& dead : dead_servers_) dead.gate->take(dead.id);
  dead_servers_.clear();
  dead_errands_.clear();
}

// --- What the pools decide ---

void Worker::note(const pool::Action& action) {
  const auto reason = static_cast<std::uint64_t>(action.reason);
  switch (action.kind) {
    case pool::ActionKind::open:
      return note(Event::open, action.server.packed(), action.route.packed());
    case pool::ActionKind::assign:
      return note(Event::assign, action.server.packed(), action.waiter);
    case pool::ActionKind::close:
      return note(Event::close, action.server.packed(), reason);
    case pool::ActionKind::refuse:
      return note(Event::refuse, action.waiter, reason);
  }
}

void Worker::carry_out(PoolGate& gate, const pool::Action& action) {
  const auto where = action.kind == pool::ActionKind::refuse   ? client_of(action.waiter).worker
                     : action.kind == pool::ActionKind::assign ? action.home
                                                               : action.worker;
  if (where != index_) {
    auto& other = process_.worker(where);
    other.post([&other, &upstream = gate.upstream(), action] {
      other.carry_out(other.gate(upstream), action);
    });
    return;
  }
  switch (action.kind) {
    case pool::ActionKind::open:
      return open_server(gate, action);
    case pool::ActionKind::assign:
      return assign(gate, action);
    case pool::ActionKind::refuse:
      return refuse(action);
    case pool::ActionKind::close:
      if (auto* server = gate.find(action.server)) server->pool_closes(action.reason);
      return;
  }
}

void Worker::open_server(PoolGate& gate, const pool::Action& action) {
  if (closing_servers_) {
    // The pool would keep its min_idle; the process is about to end.
    gate.server_failed(action.server, Reason::shutting_down, Setback::passing);
    return gate.server_gone(action.server);
  }
  auto route = process_.routes().by_id(gate.upstream(), action.route);
  TG_CHECK(route != nullptr);
  auto server = std::make_unique<Server>(*this, std::move(route), action.server);
  auto& opened = *server;
  gate.keep(std::move(server));
  opened.open();
}

void Worker::assign(PoolGate& gate, const pool::Action& action) {
  auto* server = gate.find(action.server);
  const auto name = client_of(action.waiter);
  // It may have died after the pool had chosen it. Its end is noted, or will be in this turn: the
  // client asks again.
  if (server == nullptr || !server->assignable()) return want_again(action);
  if (name.worker == index_) return link(gate, *server, action);
  auto parcel = server->pack();
  if (parcel == nullptr) {
    server->close(Reason::unclean);
    return want_again(action);
  }
  auto& other = process_.worker(name.worker);
  other.post([&other, &upstream = gate.upstream(), moved = gate.take(action.server),
              parcel = std::move(parcel), action]() mutable {
    other.receive(upstream, std::move(moved), std::move(parcel), action);
  });
}

void Worker::want_again(const pool::Action& action) {
  const auto name = client_of(action.waiter);
  auto& worker = process_.worker(name.worker);
  worker.post([&worker, waiter = action.waiter, wait = action.number] {
    if (auto* holder = worker.find_holder(waiter)) holder->want_again(wait);
  });
}

void Worker::receive(Upstream& upstream, std::unique_ptr<Server> server, net::ParcelPtr parcel,
                     const pool::Action& action) {
  auto& home = gate(upstream);
  auto& moved = *server;
  home.keep(std::move(server));
  moved.unpack(*this, std::move(parcel));
  if (closing_servers_) return moved.leave();  // it was between two workers when they closed theirs
  link(home, moved, action);
}

void Worker::link(PoolGate& gate, Server& server, const pool::Action& action) {
  auto* holder = find_holder(action.waiter);
  if (holder == nullptr || !holder->waits(action.number)) {
    return gate.server_released(server.id(), server.conversation().fit());
  }
  server.assign(*holder, action.verify);
}

void Worker::refuse(const pool::Action& action) {
  auto* holder = find_holder(action.waiter);
  if (holder != nullptr && holder->waits(action.number)) holder->refuse(action.reason);
}

// --- Listeners ---

// Their slots are beyond those of the clients.
Holder* Worker::find_holder(pool::WaiterId waiter) {
  const auto id = client_of(waiter).id;
  if (id.slot < kClientSlotsMax) return clients_.find(id);
  const auto found = listeners_.find(id.slot);
  return found == listeners_.end() ? nullptr : found->second.get();
}

std::uint32_t Worker::keep_listener(std::shared_ptr<Hub> hub) {
  do {
    listener_slot_last_ = (listener_slot_last_ + 1) % kClientSlotsMax;
  } while (listeners_.contains(kClientSlotsMax + listener_slot_last_));
  const auto slot = kClientSlotsMax + listener_slot_last_;
  listeners_.emplace(slot, std::move(hub));
  return slot;
}

// Whoever is in the middle of a step with it may go on to its end.
void Worker::let_listener_go(std::uint32_t slot) {
  auto node = listeners_.extract(slot);
  later([kept = std::move(node.mapped())] {});
}

// --- Cancel ---

void Worker::cancel(std::uint32_t pid, Bytes key, const std::string& from, net::Task done) {
  const auto target = cancel_target_of(pid);
  if (!target || target->worker >= process_.workers().size()) {
    log_cancel(nullptr, from);
    return done();
  }
  auto& worker = process_.worker(target->worker);
  worker.post([&worker, slot = target->slot, copy = std::vector(key.begin(), key.end()), from,
               done = std::move(done)]() mutable {
    worker.cancel_here(slot, copy, from, std::move(done));
  });
}

void Worker::cancel_here(std::uint32_t slot, Bytes key, const std::string& from, net::Task done) {
  auto* client = clients_.find_slot(slot);
  if (client != nullptr && !client->owns_key(key)) client = nullptr;
  log_cancel(client, from);
  if (client == nullptr) return done();
  client->cancel(std::move(done));
}

// Where the target is found, for that is what the operator asks: who cancelled whose statement.
void Worker::log_cancel(const Client* target, const std::string& from) {
  if (!process_.config().log_connections) return;
  if (target == nullptr) {
    return log().write(LogLevel::info, "cancel requested",
                       {{"detail", "no session has that key"}, {"address", from}});
  }
  log().write(LogLevel::info, "cancel requested",
              {{"user", target->user()},
               {"database", target->database()},
               {"session", target->address()},
               {"detail", target->can_be_cancelled() ? "its statement" : "it runs nothing"},
               {"address", from}});
}

void Worker::start_cancel(Server& server, net::Task done) {
  errands_.push_back(std::make_unique<CancelErrand>(*this, server, std::move(done)));
  errands_.back()->begin();
}

void Worker::end_errand(CancelErrand* errand) {
  const auto found = std::ranges::find(errands_, errand, &std::unique_ptr<CancelErrand>::get);
  if (found == errands_.end()) return;
  dead_errands_.push_back(std::move(*found));
  errands_.erase(found);
}

// --- Statistics ---

void Worker::end_period() {
  const auto late = reactor_.now() - period_ends_;
  if (late < Duration{0}) return;
  const auto period = process_.config().stats_period;
  const bool idle = late >= period;
  for (const auto& route : process_.routes().all()) route->end_period(index_, idle);
  period_ends_ = period_ends_ + period * (late / period + 1);
}

// As with the periods there is no timer: while no turn comes, nobody makes routes either.
void Worker::forget_routes() {
  process_.routes().forget_idle(reactor_.now());
  forget_at_ = reactor_.now() + process_.config().route_idle_timeout / kLooksPerTimeout;
}

// --- Leaving ---

void Worker::dismiss_all() {
  clients_.for_each(
      [](ClientId, Client& client) { client.dismiss_at_rest(Reason::shutting_down); });
}

void Worker::dismiss_everybody() {
  clients_.for_each([](ClientId, Client& client) { client.dismiss(Reason::shutting_down); });
}

void Worker::close_servers() {
  if (std::exchange(closing_servers_, true)) return;
  for (const auto& gate : gates_) {
    for (const auto& [key, server] : gate->servers()) server->leave();
  }
}

}  // namespace tidegate::proxy
