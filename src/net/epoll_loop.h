// The reactor over epoll, put together from its parts: streams, acceptors, timers, resolver and
// mailbox. What is written here is the order of a turn; the parts do the work.
#pragma once

#include <atomic>

#include "net/acceptors.h"
#include "net/epoll_reactor.h"
#include "net/mailbox.h"
#include "net/poller.h"
#include "net/resolver.h"
#include "net/streams.h"
#include "net/system_entropy.h"
#include "net/timer_wheel.h"

namespace tidegate::net {

class EpollLoop final : public EpollReactor {
 public:
  EpollLoop(Offload& offload, const Options& options);
  ~EpollLoop() override;

  Entropy& entropy() override { return entropy_; }
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

  ListenerId accept_from(std::shared_ptr<Listener> listener, AcceptHandler* handler) override;
  void stop_accepting(ListenerId listener) override;
  LastWords last_words() override { return streams_.last_words(); }
  void run(TurnHandler& turn) override;
  void stop() override;
  void run_once(TurnHandler& turn, Duration wait_max) override;
  const Counters& counters() const override { return counters_; }

 private:
  void tell_time();
  void take_events(Duration wait_max);
  int sleep_ms(Duration wait_max) const;
  void dispatch(const epoll_event& event);
  void expire_timers();

  Offload& offload_;
  Counters counters_;
  SystemEntropy entropy_;
  BlockPool blocks_;  // outlives all queues below
  Mailbox mailbox_;
  Poller poller_;
  TimerWheel wheel_;
  mutable Streams streams_;  // looking a stream up does not change it
  Acceptors acceptors_;
  Resolver resolver_;
  bool another_turn_ = false;
  std::atomic<bool> stopped_ = false;
};

}  // namespace tidegate::net
