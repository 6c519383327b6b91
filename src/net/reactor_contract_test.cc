#include "net/reactor_contract_test.h"

#include <vector>

namespace tidegate::net {
namespace {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReactorContract);

// Writes down everything it is told, and checks the order that the seam promises.
class Recorder : public StreamHandler {
 public:
  void stream_connected(StreamId) override {
    EXPECT_FALSE(inside_call);
    ++connected;
  }
  void bytes_arrived(StreamId id, Bytes bytes) override {
    EXPECT_FALSE(bytes.empty());
    EXPECT_FALSE(finished);
    EXPECT_FALSE(closed);
    bytes_text += as_text(bytes);
    if (on_bytes) on_bytes(id);
  }
  void output_drained(StreamId) override { ++drained; }
  void peer_finished(StreamId) override {
    EXPECT_FALSE(finished);
    finished = true;
  }
  void stream_closed(StreamId, CloseReason why, const std::string&) override {
    EXPECT_FALSE(inside_call);
    EXPECT_FALSE(closed);
    closed = why;
  }

  int connected = 0;
  int drained = 0;
  bool finished = false;
  bool inside_call = false;
  std::string bytes_text;
  std::optional<CloseReason> closed;
  std::function<void(StreamId)> on_bytes;
};

// A connection made by reactor 0, with its far end.
struct Pair {
  Recorder handler;
  StreamId stream;
  std::unique_ptr<ContractPeer> peer;

  explicit Pair(ContractWorld& world) {
    stream = world.reactor(0).connect(world.open_address(), {}, &handler);
    EXPECT_TRUE(world.run_until([&] {
      if (peer == nullptr) peer = world.accept_peer();
      return peer != nullptr && handler.connected == 1;
    }));
  }
};

class Adopter : public AcceptHandler {
 public:
  Adopter(Reactor& reactor, StreamHandler& handler) : reactor_(reactor), handler_(handler) {}
  void accepted(ListenerId, ParcelPtr parcel, const Address&, const Address&) override {
    stream = reactor_.adopt(std::move(parcel), &handler_);
  }
  StreamId stream;

 private:
  Reactor& reactor_;
  StreamHandler& handler_;
};

TEST_P(ReactorContract, ConnectsAndCarriesBytesBothWays) {
  Pair pair(*world_);
  world_->reactor(0).write(pair.stream, as_bytes("ping"));
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->received() == "ping"; }));
  pair.peer->send("pong");
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.bytes_text == "pong"; }));
  EXPECT_EQ(pair.handler.connected, 1);
}

TEST_P(ReactorContract, WriteBeforeConnectedGoesOutAfterwards) {
  Recorder handler;
  const auto stream = world_->reactor(0).connect(world_->open_address(), {}, &handler);
  world_->reactor(0).write(stream, as_bytes("early"));
  std::unique_ptr<ContractPeer> peer;
  EXPECT_TRUE(world_->run_until([&] {
    if (peer == nullptr) peer = world_->accept_peer();
    return peer != nullptr && peer->received() == "early";
  }));
}

TEST_P(ReactorContract, RefusedConnectClosesLater) {
  Recorder handler;
  handler.inside_call = true;
  world_->reactor(0).connect(world_->closed_address(), {}, &handler);
  handler.inside_call = false;
  EXPECT_TRUE(world_->run_until([&] { return handler.closed.has_value(); }));
  EXPECT_EQ(handler.closed, CloseReason::connect_refused);
  EXPECT_EQ(handler.connected, 0);
}

TEST_P(ReactorContract, AcceptedStreamIsNotToldItConnected) {
  Recorder handler;
  Adopter adopter(world_->reactor(0), handler);
  auto peer = world_->dial(&adopter);
  peer->send("hello");
  EXPECT_TRUE(world_->run_until([&] { return handler.bytes_text == "hello"; }));
  EXPECT_EQ(handler.connected, 0);
}

TEST_P(ReactorContract, HalfCloseLeavesOurSideWorking) {
  Pair pair(*world_);
  pair.peer->send("last words");
  pair.peer->finish();
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.finished; }));
  EXPECT_EQ(pair.handler.bytes_text, "last words");
  world_->reactor(0).write(pair.stream, as_bytes("answer"));
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->received() == "answer"; }));
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, EndOfOutputComesBehindWhatWasWrittenAndLeavesThePeersSideWorking) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  pair.peer->set_reading(false);
  const std::string much(3'000'000, 'z');
  reactor.write(pair.stream, as_bytes(much));
  reactor.end_output(pair.stream);
  reactor.write(pair.stream, as_bytes("too late"));
  world_->settle_down();
  EXPECT_FALSE(pair.peer->saw_end());
  pair.peer->set_reading(true);
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->saw_end(); }));
  EXPECT_EQ(pair.peer->received().size(), much.size());
  pair.peer->send("answer");
  pair.peer->finish();
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.finished; }));
  EXPECT_EQ(pair.handler.bytes_text, "answer");
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, PausedStreamGetsNeitherBytesNorEnd) {
  Pair pair(*world_);
  world_->reactor(0).pause_reading(pair.stream);
  pair.peer->send("waits");
  pair.peer->finish();
  world_->settle_down();
  EXPECT_EQ(pair.handler.bytes_text, "");
  EXPECT_FALSE(pair.handler.finished);
  world_->reactor(0).resume_reading(pair.stream);
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.finished; }));
  EXPECT_EQ(pair.handler.bytes_text, "waits");
}

TEST_P(ReactorContract, PauseInsideBytesArrivedTakesEffectAtOnce) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  pair.handler.on_bytes = [&](StreamId id) { reactor.pause_reading(id); };
  pair.peer->send(std::string(3 * Reactor::kReceiveBytes, 'x'));
  EXPECT_TRUE(world_->run_until([&] { return !pair.handler.bytes_text.empty(); }));
  const auto before = pair.handler.bytes_text.size();
  world_->settle_down();
  EXPECT_EQ(pair.handler.bytes_text.size(), before);
  pair.handler.on_bytes = nullptr;
  reactor.resume_reading(pair.stream);
  EXPECT_TRUE(world_->run_until(
      [&] { return pair.handler.bytes_text.size() == 3 * Reactor::kReceiveBytes; }));
}

TEST_P(ReactorContract, PausedStreamNoticesAReset) {
  Pair pair(*world_);
  world_->reactor(0).pause_reading(pair.stream);
  pair.peer->reset();
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.closed.has_value(); }));
  EXPECT_EQ(pair.handler.closed, CloseReason::reset);
}

TEST_P(ReactorContract, OutputDrainedOnceAfterHighWater) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  pair.peer->set_reading(false);
  const std::string chunk(100'000, 'y');
  std::size_t written = 0;
  bool has_room = true;
  while (reactor.queued(pair.stream) <= Reactor::kHighWater && written < 100 * chunk.size()) {
    has_room = reactor.write(pair.stream, as_bytes(chunk));
    written += chunk.size();
    world_->settle_down();
  }
  EXPECT_GT(reactor.queued(pair.stream), Reactor::kHighWater);
  EXPECT_FALSE(has_room);
  const int drained_before = pair.handler.drained;  // short writes may have drained early chunks
  pair.peer->set_reading(true);
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.drained > drained_before; }));
  EXPECT_LE(reactor.queued(pair.stream), Reactor::kLowWater);
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->received().size() == written; }));
  EXPECT_EQ(pair.handler.drained, drained_before + 1);
  EXPECT_TRUE(reactor.write(pair.stream, as_bytes("there is room again")));
}

TEST_P(ReactorContract, SmallOutputNeverTellsDrained) {
  Pair pair(*world_);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(world_->reactor(0).write(pair.stream, as_bytes("small")));
  }
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->received().size() == 500; }));
  EXPECT_EQ(pair.handler.drained, 0);
}

TEST_P(ReactorContract, CloseFlushDeliversEverythingThenEnds) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  pair.peer->send("unread by us");
  const std::string farewell(300'000, 'z');
  reactor.write(pair.stream, as_bytes(farewell));
  reactor.close(pair.stream, CloseMode::flush);
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->saw_end(); }));
  EXPECT_EQ(pair.peer->received().size(), farewell.size());
  EXPECT_FALSE(pair.peer->saw_reset());
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, CloseNowEnds) {
  Pair pair(*world_);
  world_->reactor(0).close(pair.stream, CloseMode::now);
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->saw_end() || pair.peer->saw_reset(); }));
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, CloseResetResets) {
  Pair pair(*world_);
  world_->reactor(0).close(pair.stream, CloseMode::reset);
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->saw_reset(); }));
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, CloseInsideBytesArrivedIsTheLastWord) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  pair.handler.on_bytes = [&](StreamId id) { reactor.close(id, CloseMode::now); };
  pair.peer->send("one");
  pair.peer->finish();
  EXPECT_TRUE(world_->run_until([&] { return !pair.handler.bytes_text.empty(); }));
  const auto seen = pair.handler.bytes_text;
  world_->settle_down();
  EXPECT_EQ(pair.handler.bytes_text, seen);
  EXPECT_FALSE(pair.handler.finished);
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, CloseWhileConnectingIsSilent) {
  Recorder handler;
  auto& reactor = world_->reactor(0);
  reactor.close(reactor.connect(world_->open_address(), {}, &handler), CloseMode::now);
  world_->settle_down();
  EXPECT_EQ(handler.connected, 0);
  EXPECT_FALSE(handler.closed);
}

TEST_P(ReactorContract, StaleIdsAreIgnored) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  reactor.close(pair.stream, CloseMode::now);
  reactor.write(pair.stream, as_bytes("nobody"));
  reactor.pause_reading(pair.stream);
  reactor.resume_reading(pair.stream);
  reactor.close(pair.stream, CloseMode::reset);
  reactor.set_handler(pair.stream, &pair.handler);
  EXPECT_EQ(reactor.queued(pair.stream), 0u);
  EXPECT_FALSE(reactor.is_secured(pair.stream));
  EXPECT_EQ(reactor.detach(pair.stream), nullptr);
}

TEST_P(ReactorContract, ResetIsToldOnceAndLast) {
  Pair pair(*world_);
  pair.peer->reset();
  EXPECT_TRUE(world_->run_until([&] { return pair.handler.closed.has_value(); }));
  EXPECT_EQ(pair.handler.closed, CloseReason::reset);
  world_->reactor(0).write(pair.stream, as_bytes("too late"));
  world_->settle_down();
}

TEST_P(ReactorContract, DetachedStreamMovesWithItsUnreadBytes) {
  Pair pair(*world_);
  auto& reactor = world_->reactor(0);
  reactor.pause_reading(pair.stream);
  pair.peer->send("unread");
  world_->settle_down();
  auto parcel = reactor.detach(pair.stream);
  ASSERT_NE(parcel, nullptr);
  Recorder second;
  StreamId moved;
  world_->reactor(1).post([&] { moved = world_->reactor(1).adopt(std::move(parcel), &second); });
  EXPECT_TRUE(world_->run_until([&] { return second.bytes_text == "unread"; }));
  world_->reactor(1).post([&] { world_->reactor(1).write(moved, as_bytes("from the other")); });
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->received() == "from the other"; }));
  EXPECT_EQ(pair.handler.bytes_text, "");
  EXPECT_FALSE(pair.handler.closed);
}

TEST_P(ReactorContract, DetachNeedsEmptyOutput) {
  Pair pair(*world_);
  world_->reactor(0).write(pair.stream, as_bytes("still here"));
  EXPECT_EQ(world_->reactor(0).detach(pair.stream), nullptr);
}

TEST_P(ReactorContract, DroppedParcelCloses) {
  Pair pair(*world_);
  world_->reactor(0).detach(pair.stream).reset();
  EXPECT_TRUE(world_->run_until([&] { return pair.peer->saw_end(); }));
}

TEST_P(ReactorContract, SetHandlerRedirects) {
  Pair pair(*world_);
  Recorder second;
  world_->reactor(0).set_handler(pair.stream, &second);
  pair.peer->send("to the second");
  EXPECT_TRUE(world_->run_until([&] { return second.bytes_text == "to the second"; }));
  EXPECT_EQ(pair.handler.bytes_text, "");
}

TEST_P(ReactorContract, CarriesAMegabyteBothWays) {
  Pair pair(*world_);
  const std::string big(1 << 20, 'b');
  pair.peer->send(big);
  world_->reactor(0).write(pair.stream, as_bytes(big));
  EXPECT_TRUE(world_->run_until([&] {
    return pair.handler.bytes_text.size() == big.size() &&
           pair.peer->received().size() == big.size();
  }));
  EXPECT_EQ(pair.handler.bytes_text, big);
}

// --- Time ---

class TimerLog : public TimerHandler {
 public:
  void timer_fired(TimerId id, std::uint64_t cookie) override {
    fired.push_back(cookie);
    if (on_fire) on_fire(id, cookie);
  }
  std::vector<std::uint64_t> fired;
  std::function<void(TimerId, std::uint64_t)> on_fire;
};

TEST_P(ReactorContract, TimersFireInOrderAndOnce) {
  TimerLog log;
  auto& reactor = world_->reactor(0);
  const auto now = reactor.now();
  reactor.arm(now + 20ms, &log, 3);
  reactor.arm(now + 5ms, &log, 1);
  reactor.arm(now + 10ms, &log, 2);
  reactor.arm(Instant::never(), &log, 4);
  EXPECT_TRUE(world_->run_until([&] { return log.fired.size() == 3; }));
  world_->run_for(20ms);
  EXPECT_EQ(log.fired, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_P(ReactorContract, TimerNeverFiresEarly) {
  TimerLog log;
  auto& reactor = world_->reactor(0);
  const auto when = reactor.now() + 7ms;
  Instant fired_at{0};
  log.on_fire = [&](TimerId, std::uint64_t) { fired_at = reactor.now(); };
  reactor.arm(when, &log, 1);
  EXPECT_TRUE(world_->run_until([&] { return log.fired.size() == 1; }));
  EXPECT_GE(fired_at, when);
}

TEST_P(ReactorContract, RearmMovesBothWaysAndDisarmStops) {
  TimerLog log;
  auto& reactor = world_->reactor(0);
  const auto now = reactor.now();
  const auto later = reactor.arm(now + 5ms, &log, 1);
  const auto earlier = reactor.arm(now + 10s, &log, 2);
  const auto gone = reactor.arm(now + 5ms, &log, 3);
  reactor.rearm(later, now + 30ms);
  reactor.rearm(earlier, now + 10ms);
  reactor.disarm(gone);
  reactor.rearm(gone, now + 1ms);
  EXPECT_TRUE(world_->run_until([&] { return log.fired.size() == 2; }));
  EXPECT_EQ(log.fired, (std::vector<std::uint64_t>{2, 1}));
}

TEST_P(ReactorContract, TimerHandlerMayDisarmAnotherDueTimer) {
  TimerLog log;
  auto& reactor = world_->reactor(0);
  const auto when = reactor.now() + 5ms;
  TimerId second;
  log.on_fire = [&](TimerId, std::uint64_t) { reactor.disarm(second); };
  reactor.arm(when, &log, 1);
  second = reactor.arm(when, &log, 2);
  EXPECT_TRUE(world_->run_until([&] { return !log.fired.empty(); }));
  world_->run_for(20ms);
  EXPECT_EQ(log.fired.size(), 1u);
}

// --- Turns ---

class CountingTurn : public TurnHandler {
 public:
  bool settle() override {
    ++count;
    return --more > 0;
  }
  int count = 0;
  int more = 0;
};

TEST_P(ReactorContract, SettleRunsAfterTasksAndMayAskForMore) {
  CountingTurn turn;
  world_->set_turn_handler(0, &turn);
  int count_in_task = -1;
  turn.more = 3;
  world_->reactor(0).post([&] { count_in_task = turn.count; });
  EXPECT_TRUE(world_->run_until([&] { return count_in_task >= 0 && turn.more <= 0; }));
  EXPECT_GT(turn.count, count_in_task);
  world_->set_turn_handler(0, nullptr);
}

TEST_P(ReactorContract, PostedTasksRunLaterAndInOrder) {
  std::vector<int> order;
  auto& reactor = world_->reactor(1);
  reactor.post([&] {
    order.push_back(1);
    reactor.post([&] { order.push_back(3); });
  });
  reactor.post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  EXPECT_TRUE(world_->run_until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(ReactorContract, OffloadRunsTheJobThenDone) {
  bool job_ran = false;
  std::optional<bool> ran_before_done;
  world_->reactor(0).offload([&] { job_ran = true; }, [&] { ran_before_done = job_ran; });
  EXPECT_TRUE(world_->run_until([&] { return ran_before_done.has_value(); }));
  EXPECT_TRUE(ran_before_done.value_or(false));
}

TEST_P(ReactorContract, ResolvesALiteralInALaterTurn) {
  std::optional<Resolved> resolved;
  world_->reactor(0).resolve({"127.0.0.1", 5432}, [&](Resolved r) { resolved = std::move(r); });
  EXPECT_FALSE(resolved);
  EXPECT_TRUE(world_->run_until([&] { return resolved.has_value(); }));
  ASSERT_EQ(resolved->addresses.size(), 1u);
  EXPECT_EQ(resolved->addresses[0].port(), 5432);
}

}  // namespace
}  // namespace tidegate::net
