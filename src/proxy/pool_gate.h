// A worker's gate to one shared pool. What happens in a turn is noted here without a lock; once
// per turn the notes are taken to the pool, and its actions come out. The lock is held for that
// alone and never over a system call.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/last_events.h"
#include "net/reactor.h"
#include "pool/pool.h"
#include "proxy/upstream.h"

namespace tidegate::proxy {

class Server;
class Worker;

class PoolGate final : private net::TimerHandler {
 public:
  PoolGate(Worker& worker, Upstream& upstream);
  ~PoolGate() override;

  Upstream& upstream() const { return upstream_; }

  // The events of pool::Pool, in its words.
  void client_wants(const pool::Want& want);
  void client_gone(pool::WaiterId waiter);
  void server_ready(pool::ServerId server, FitTag fit);
  void server_failed(pool::ServerId server, Reason reason, Setback setback);
  void server_released(pool::ServerId server, FitTag fit);
  void assign_failed(pool::ServerId server, bool waiter_alive);
  void server_silent(pool::ServerId server);
  void server_closing(pool::ServerId server);
  void server_gone(pool::ServerId server);
  // Asked and answered at once: the holder must know before its statement goes out.
  bool hold_changed(pool::ServerId server, HoldKind kind);

  // Takes the notes to the pool. The actions are valid until the next run.
  bool has_notes() const { return !notes_.empty(); }
  const pool::Actions& run();

  // The servers whose home is this worker.
  Server* find(pool::ServerId server) const;
  void keep(std::unique_ptr<Server> server);
  std::unique_ptr<Server> take(pool::ServerId server);
  const std::unordered_map<std::uint64_t, std::unique_ptr<Server>>& servers() const {
    return servers_;
  }

 private:
  struct Note {
    Event event;
    bool flag = false;  // assign_failed: the waiter lives
    Reason reason = Reason::none;
    Setback setback = Setback::passing;
    pool::ServerId server;
    FitTag fit = 0;
    pool::Want want;
  };
  void note(const Note& note);
  void remember(const Note& note);
  void apply(pool::Pool& pool, const Note& note, Instant now);
  void timer_fired(net::TimerId timer, std::uint64_t cookie) override;
  void arm(Instant when);

  Worker& worker_;
  Upstream& upstream_;
  std::vector<Note> notes_;
  pool::Actions actions_;
  pool::Actions early_;  // came out of hold_changed() in the middle of a turn
  net::TimerId timer_;
  Instant timer_at_ = Instant::never();
  std::unordered_map<std::uint64_t, std::unique_ptr<Server>> servers_;
};

}  // namespace tidegate::proxy
