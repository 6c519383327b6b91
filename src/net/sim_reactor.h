// The reactor of the simulation: the seam's second full backend. It takes its turns as events of a
// SimNetwork, so any number of reactors interleave in one thread; when and in which order is up to
// the seed. Destroy reactors before their network.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "net/reactor.h"
#include "net/sim_listener.h"
#include "net/sim_network.h"
#include "net/sim_stream.h"

namespace tidegate::net {

class SimReactor final : public Reactor {
 public:
  // `turn` outlives the reactor; null: turns have no settling.
  SimReactor(SimNetwork& network, Address local, TurnHandler* turn = nullptr);
  ~SimReactor() override;
  void set_turn_handler(TurnHandler* turn) { turn_ = turn; }

  ListenerId accept_from(std::shared_ptr<SimListener> listener, AcceptHandler* handler);
  void stop_accepting(ListenerId listener);

  // For checks at the end of a run: what is still there.
  std::size_t stream_count() const { return streams_.size(); }
  std::size_t lingering_count() const;
  std::size_t timer_count() const { return timers_.size(); }
  std::uint64_t turns() const { return turns_; }
  std::uint64_t jobs() const { return jobs_; }  // that were offloaded

  Entropy& entropy() override { return random_; }
  BlockPool& blocks() override { return blocks_; }

  StreamId connect(const Address& address, const ConnectOptions& options,
                   StreamHandler* handler) override;
  StreamId adopt(ParcelPtr parcel, StreamHandler* handler) override;
  ParcelPtr detach(StreamId stream) override;
  void set_handler(StreamId stream, StreamHandler* handler) override;
  bool write(StreamId stream, Bytes bytes) override;
  std::size_t queued(StreamId stream) const override;
  void pause_reading(StreamId stream) override;
  void resume_reading(StreamId stream) override;
  void end_output(StreamId stream) override;
  void close(StreamId stream, CloseMode mode) override;
  void start_tls_server(StreamId stream, TlsContextRef context, Bytes early) override;
  void start_tls_client(StreamId stream, TlsContextRef context, const std::string& name) override;
  bool is_secured(StreamId stream) const override;
  Address local_address(StreamId stream) const override;
  Address peer_address(StreamId stream) const override;

  TimerId arm(Instant when, TimerHandler* handler, std::uint64_t cookie) override;
  void rearm(TimerId timer, Instant when) override;
  void disarm(TimerId timer) override;

  void resolve(const Target& target, std::move_only_function<void(Resolved)> done) override;
  void offload(Task job, Task done) override;
  void post(Task task) override;
  const Counters& counters() const override { return counters_; }

 private:
  friend class SimListener;
  struct Timer {
    Instant when;
    TimerHandler* handler;
    std::uint64_t cookie;
    std::uint64_t order;  // equal instants fire in the order of arming
  };
  struct Accepting {
    std::shared_ptr<SimListener> listener;
    AcceptHandler* handler;
  };
  using Deadline = std::tuple<Instant, std::uint64_t, std::uint64_t>;  // when, order, packed id

  // An event of the network that does nothing when this reactor is gone by then.
  template <typename Step>
  auto guarded(Step step) {
    return [alive = std::weak_ptr(alive_), step = std::move(step)]() mutable {
      if (!alive.expired()) step();
    };
  }

  // The turn and its parts.
  void wake_at(Instant when);
  void wake() { wake_at(network_.now()); }
  void turn();
  void take_events();
  void accept_waiting();
  void accept_from_backlog(SimListener* listener);
  void run_tasks();
  void fire_timers();
  void flush_outputs();
  void sleep_until_timer();

  // One stream's share of a turn.
  void mark_ready(StreamId id);
  void mark_dirty(StreamId id, SimStream& stream);
  void step(StreamId id);
  void watch(StreamId id, SimStream& stream);
  void tell_connected(StreamId id, SimStream& stream);
  void finish_connect(StreamId id, SimSocket socket, CloseReason outcome);
  void step_handshake(StreamId id, SimStream& stream);
  void secured(StreamId id, SimStream& stream, const SimHello& server, std::size_t taken);
  void step_reading(StreamId id, SimStream& stream);
  void deliver(StreamId id, SimStream& stream);
  void flush(StreamId id, SimStream& stream);
  void end(StreamId id, CloseReason reason, std::string detail);
  void fail_later(StreamId id, SimStream& stream, CloseReason reason, const std::string& detail);
  void linger(SimSocket socket, ByteQueue output);
  void listener_ready(SimListener* listener);

  SimNetwork& network_;
  SimRandom random_;
  Address local_;
  TurnHandler* turn_;
  std::shared_ptr<SimReactor*> alive_ = std::make_shared<SimReactor*>(this);
  bool in_turn_ = false;
  Instant stalled_until_{0};
  Instant next_turn_ = Instant::never();
  std::uint64_t turn_ticket_ = 0;
  std::uint64_t turns_ = 0;
  std::uint64_t jobs_ = 0;
  Counters counters_;  // there are no system calls to count
  int ports_used_ = 0;

  BlockPool blocks_;
  SlotMap<SimStream, StreamTag> streams_;
  std::vector<StreamId> ready_;
  std::vector<StreamId> dirty_;
  std::vector<std::shared_ptr<SimLingering>> lingering_;
  SlotMap<Accepting, ListenerTag> listeners_;
  std::vector<SimListener*> listeners_ready_;
  std::vector<Task> tasks_;
  SlotMap<Timer, TimerTag> timers_;
  std::set<Deadline> armed_;
  std::uint64_t timer_order_ = 0;
  ByteBuffer receive_buffer_;
};

}  // namespace tidegate::net
