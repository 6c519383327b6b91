#include "proxy/pool_gate.h"

#include <utility>

#include "base/check.h"
#include "proxy/server.h"
#include "proxy/worker.h"

namespace tidegate::proxy {

PoolGate::PoolGate(Worker& worker, Upstream& upstream) : worker_(worker), upstream_(upstream) {}

PoolGate::~PoolGate() {
  worker_.reactor().disarm(timer_);
}

void PoolGate::note(const Note& note) {
  if (notes_.empty()) worker_.gate_has_notes(*this);
  notes_.push_back(note);
}

void PoolGate::client_wants(const pool::Want& want) {
  note({.event = Event::client_wants, .want = want});
}
void PoolGate::client_gone(pool::WaiterId waiter) {
  note({.event = Event::client_gone, .want = {.waiter = waiter}});
}
void PoolGate::server_ready(pool::ServerId server, FitTag fit) {
  note({.event = Event::server_ready, .server = server, .fit = fit});
}
void PoolGate::server_failed(pool::ServerId server, Reason reason, Setback setback) {
  note({.event = Event::server_failed, .reason = reason, .setback = setback, .server = server});
}
void PoolGate::server_released(pool::ServerId server, FitTag fit) {
  note({.event = Event::server_released, .server = server, .fit = fit});
}
void PoolGate::assign_failed(pool::ServerId server, bool waiter_alive) {
  note({.event = Event::assign_failed, .flag = waiter_alive, .server = server});
}
void PoolGate::server_silent(pool::ServerId server) {
  note({.event = Event::server_silent, .server = server});
}
void PoolGate::server_closing(pool::ServerId server) {
  note({.event = Event::server_closing, .server = server});
}
void PoolGate::server_gone(pool::ServerId server) {
  note({.event = Event::server_gone, .server = server});
}

bool PoolGate::hold_changed(pool::ServerId server, HoldKind kind) {
  // What a new kind of hold sets in motion can wait for the end of the turn; the answer cannot.
  const Instant now = worker_.reactor().now();
  worker_.note(Event::hold_changed, server.packed(), static_cast<std::uint64_t>(kind));
  const bool granted = upstream_.with_pool(
      [&](pool::Pool& pool) { return pool.hold_changed(server, kind, now, early_); });
  if (!early_.empty() && notes_.empty()) worker_.gate_has_notes(*this);
  return granted;
}

const pool::Actions& PoolGate::run() {
  actions_.clear();
  std::swap(actions_, early_);
  const Instant now = worker_.reactor().now();
  const Instant next = upstream_.with_pool([&](pool::Pool& pool) {
    for (const auto& note : notes_) apply(pool, note, now);
    return pool.next_deadline();
  });
  notes_.clear();
  if (next < timer_at_) arm(next);
  return actions_;
}

void PoolGate::apply(pool::Pool& pool, const Note& note, Instant now) {
  remember(note);
  switch (note.event) {
    case Event::client_wants:
      return pool.client_wants(note.want, now, actions_);
    case Event::client_gone:
      return pool.client_gone(note.want.waiter, now, actions_);
    case Event::server_ready:
      return pool.server_ready(note.server, note.fit, now, actions_);
    case Event::server_failed:
      return pool.server_failed(note.server, note.reason, note.setback, now, actions_);
    case Event::server_released:
      return pool.server_released(note.server, note.fit, now, actions_);
    case Event::assign_failed:
      return pool.assign_failed(note.server, note.flag, now, actions_);
    case Event::server_silent:
      return pool.server_silent(note.server, now, actions_);
    case Event::server_closing:
      return pool.server_closing(note.server, now, actions_);
    case Event::server_gone:
      return pool.server_gone(note.server, now, actions_);
    case Event::tick:
      return pool.tick(now, actions_);
    default:
      TG_CHECK(!"an event for a pool");
  }
}

// Before the pool hears it: if a check of its books fails, this is what broke them.
void PoolGate::remember(const Note& note) {
  const bool of_client = note.event == Event::client_wants || note.event == Event::client_gone;
  const auto second = note.event == Event::client_wants    ? note.want.route.packed()
                      : note.event == Event::server_failed ? static_cast<std::uint64_t>(note.reason)
                                                           : std::uint64_t{note.flag};
  worker_.note(note.event, of_client ? note.want.waiter : note.server.packed(), second);
}

void PoolGate::arm(Instant when) {
  timer_at_ = when;
  if (timer_) {
    worker_.reactor().rearm(timer_, when);
  } else {
    timer_ = worker_.reactor().arm(when, this, 0);
  }
}

void PoolGate::timer_fired(net::TimerId, std::uint64_t) {
  timer_ = {};
  timer_at_ = Instant::never();
  note({.event = Event::tick});
}

Server* PoolGate::find(pool::ServerId server) const {
  const auto found = servers_.find(server.packed());
  return found == servers_.end() ? nullptr : found->second.get();
}

void PoolGate::keep(std::unique_ptr<Server> server) {
  const auto key = server->id().packed();
  servers_.emplace(key, std::move(server));
}

std::unique_ptr<Server> PoolGate::take(pool::ServerId server) {
  auto node = servers_.extract(server.packed());
  return node.empty() ? nullptr : std::move(node.mapped());
}

}  // namespace tidegate::proxy
