#include "net/sim_reactor.h"

#include <algorithm>

namespace tidegate::net {

namespace {

// How late a worker comes to its turn: the machine's scheduler.
constexpr Duration kWakeLatencyMax = 30us;
constexpr Duration kStallMax = 200ms;
constexpr std::int64_t kAcceptsPerTurnMax = 8;

}  // namespace

SimReactor::SimReactor(SimNetwork& network, Address local, TurnHandler* turn)
    : network_(network),
      random_(network.random().fork()),
      local_(local),
      turn_(turn),
      receive_buffer_(kReceiveBytes) {
  now_ = network.now();
  wall_now_ = network.wall_now();
}

SimReactor::~SimReactor() {
  listeners_.for_each(
      [&](ListenerId, Accepting& accepting) { accepting.listener->unsubscribe(this); });
}

std::size_t SimReactor::lingering_count() const {
  return static_cast<std::size_t>(std::count_if(
      lingering_.begin(), lingering_.end(), [](const auto& rest) { return !rest->finished(); }));
}

// --- The turn ---

void SimReactor::wake_at(Instant when) {
  if (network_.strikes(SimFault::worker_stall)) {
    stalled_until_ = network_.now() + random_.between(1ms, kStallMax);
  }
  const auto start = std::max({when, network_.now(), stalled_until_}) +
                     random_.between(Duration{0}, kWakeLatencyMax);
  if (start >= next_turn_) return;
  next_turn_ = start;
  network_.at(start, guarded([this, ticket = ++turn_ticket_] {
                if (ticket == turn_ticket_) turn();
              }));
}

void SimReactor::turn() {
  next_turn_ = Instant::never();
  now_ = network_.now();
  wall_now_ = network_.wall_now();
  ++turns_;
  in_turn_ = true;
  take_events();
  run_tasks();
  fire_timers();
  if (turn_ != nullptr && turn_->settle()) wake();
  flush_outputs();
  in_turn_ = false;
  std::erase_if(lingering_, [](const auto& rest) { return rest->finished(); });
  sleep_until_timer();
}

void SimReactor::take_events() {
  accept_waiting();
  auto ready = std::exchange(ready_, {});
  for (std::size_t i = ready.size(); i > 1; --i) std::swap(ready[i - 1], ready[random_.below(i)]);
  for (const auto id : ready) step(id);
}

void SimReactor::run_tasks() {
  for (auto& task : std::exchange(tasks_, {})) task();
}

void SimReactor::fire_timers() {
  std::vector<Deadline> due(armed_.begin(), armed_.upper_bound({now_, ~0ull, ~0ull}));
  for (const auto& deadline : due) {
    if (armed_.erase(deadline) == 0) continue;  // disarmed or moved by a handler before it
    const auto id = TimerId::unpacked(std::get<2>(deadline));
    const auto timer = *timers_.find(id);
    timers_.erase(id);
    timer.handler->timer_fired(id, timer.cookie);
  }
}

void SimReactor::flush_outputs() {
  for (const auto id : std::exchange(dirty_, {})) {
    auto* stream = streams_.find(id);
    if (stream == nullptr) continue;
    stream->in_dirty = false;
    flush(id, *stream);
  }
}

void SimReactor::sleep_until_timer() {
  if (!armed_.empty()) wake_at(std::get<0>(*armed_.begin()));
}

// --- Listeners ---

ListenerId SimReactor::accept_from(std::shared_ptr<SimListener> listener, AcceptHandler* handler) {
  auto* raw = listener.get();
  const auto id = listeners_.emplace(std::move(listener), handler);
  raw->subscribe(this);
  return id;
}

void SimReactor::stop_accepting(ListenerId id) {
  auto* accepting = listeners_.find(id);
  if (accepting == nullptr) return;
  auto listener = std::move(accepting->listener);
  listeners_.erase(id);
  std::erase(listeners_ready_, listener.get());
  listener->unsubscribe(this);
}

void SimReactor::listener_ready(SimListener* listener) {
  if (std::find(listeners_ready_.begin(), listeners_ready_.end(), listener) ==
      listeners_ready_.end()) {
    listeners_ready_.push_back(listener);
  }
  wake();
}

void SimReactor::accept_waiting() {
  while (!listeners_ready_.empty()) {
    auto* listener = listeners_ready_.back();
    listeners_ready_.pop_back();
    accept_from_backlog(listener);
    if (!listener->backlog_.empty()) {
      listener->wake_somebody();
      return;
    }
  }
}

void SimReactor::accept_from_backlog(SimListener* listener) {
  for (auto left = random_.between(1, kAcceptsPerTurnMax); left > 0; --left) {
    ListenerId id;
    listeners_.for_each([&](ListenerId each, Accepting& accepting) {
      if (accepting.listener.get() == listener) id = each;
    });
    if (!id || listener->backlog_.empty()) return;
    auto waiting = std::move(listener->backlog_.front());
    listener->backlog_.pop_front();
    if (network_.strikes(SimFault::out_of_descriptors)) continue;  // accepted and closed
    auto parcel = std::make_unique<SimParcel>();
    parcel->socket = std::move(waiting.socket);
    parcel->local = listener->address_;
    parcel->peer = waiting.peer;
    listeners_.find(id)->handler->accepted(id, std::move(parcel), waiting.peer, listener->address_);
  }
}

// --- Timers ---

TimerId SimReactor::arm(Instant when, TimerHandler* handler, std::uint64_t cookie) {
  const auto id = timers_.emplace(when, handler, cookie, ++timer_order_);
  if (when.is_never()) return id;
  armed_.emplace(when, timer_order_, id.packed());
  if (!in_turn_) wake_at(when);
  return id;
}

void SimReactor::rearm(TimerId id, Instant when) {
  auto* timer = timers_.find(id);
  if (timer == nullptr) return;
  armed_.erase({timer->when, timer->order, id.packed()});
  timer->when = when;
  timer->order = ++timer_order_;
  if (when.is_never()) return;
  armed_.emplace(when, timer->order, id.packed());
  if (!in_turn_) wake_at(when);
}

void SimReactor::disarm(TimerId id) {
  auto* timer = timers_.find(id);
  if (timer == nullptr) return;
  armed_.erase({timer->when, timer->order, id.packed()});
  timers_.erase(id);
}

// --- Everything that is not a stream ---

void SimReactor::resolve(const Target& target, std::move_only_function<void(Resolved)> done) {
  auto answer = [this, target, done = std::move(done)]() mutable {
    post([resolved = network_.resolve(target), done = std::move(done)]() mutable {
      done(std::move(resolved));
    });
  };
  network_.after(random_.between(10us, 50ms), guarded(std::move(answer)));
}

void SimReactor::offload(Task job, Task done) {
  ++jobs_;
  auto run = [this, job = std::move(job), done = std::move(done)]() mutable {
    job();
    post(std::move(done));
  };
  network_.after(random_.between(10us, 20ms), guarded(std::move(run)));
}

void SimReactor::post(Task task) {
  tasks_.push_back(std::move(task));
  wake();
}

}  // namespace tidegate::net
