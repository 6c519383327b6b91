#include "net/streams.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include "net/file_descriptor.h"
#include "net/parcel.h"
#include "net/socket_options.h"
#include "net/stream_test_support.h"

namespace tidegate::net {
namespace {

// Over TCP and over a unix socket.
class StreamsTest : public ReactorTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    const std::string host = GetParam();
    join(host[0] == '@' ? host + std::to_string(getpid()) : host);
  }
};

INSTANTIATE_TEST_SUITE_P(Transports, StreamsTest,
                         testing::Values("127.0.0.1", "::1", "@tidegate_streams_test"));

TEST_P(StreamsTest, OneMessageCostsOneReceiveOneSendAndNoControlCall) {
  reactor_->write(client_id_, as_bytes("warm up"));
  ASSERT_TRUE(run_until([&] { return server_.text == "warm up"; }));
  run_quietly();
  const auto before = reactor_->counters();
  for (int i = 0; i < 10; ++i) {
    server_.text.clear();
    reactor_->write(client_id_, as_bytes("in "));
    reactor_->write(client_id_, as_bytes("two parts"));
    ASSERT_TRUE(run_until([&] { return server_.text == "in two parts"; }));
  }
  run_quietly();
  const auto after = reactor_->counters();
  EXPECT_EQ(after.receives - before.receives, 10u);
  EXPECT_EQ(after.sends - before.sends, 10u);
  EXPECT_EQ(after.epoll_ctls, before.epoll_ctls);
}

TEST_P(StreamsTest, LargeChunksLeaveAtOnceInOrder) {
  const auto chunk = pattern(Reactor::kDirectWriteBytes);
  reactor_->write(client_id_, as_bytes("head"));
  const auto before = reactor_->counters().sends;
  reactor_->write(client_id_, as_bytes(chunk));
  EXPECT_EQ(reactor_->counters().sends, before + 1);
  EXPECT_EQ(reactor_->queued(client_id_), 0u);
  ASSERT_TRUE(run_until([&] { return server_.text.size() == 4 + chunk.size(); }));
  EXPECT_TRUE(server_.text == "head" + chunk);
}

TEST_P(StreamsTest, ShortWritesKeepTheOrder) {
  const auto big = pattern(5'000'000);
  reactor_->pause_reading(server_id_);
  Bytes rest = as_bytes(big);
  for (std::size_t size = 1; !rest.empty(); size = size * 3 + 1) {
    const auto part = std::min(size, rest.size());
    reactor_->write(client_id_, rest.first(part));
    rest = rest.subspan(part);
  }
  run_quietly();
  EXPECT_GT(reactor_->queued(client_id_), Reactor::kHighWater);
  reactor_->resume_reading(server_id_);
  ASSERT_TRUE(run_until([&] { return server_.text.size() == big.size(); }));
  EXPECT_TRUE(server_.text == big);
  EXPECT_TRUE(run_until([&] { return client_.drained == 1; }));
}

// A relay with back-pressure: the client's bytes go through the server's end and come back.
TEST_P(StreamsTest, EchoOfManyMegabytesWithBackPressureBothWays) {
  const auto big = pattern(20'000'000);
  std::size_t written = 0;
  const auto feed = [&](StreamId id) {
    while (written < big.size() && reactor_->queued(id) < Reactor::kHighWater) {
      const auto part = std::min<std::size_t>(30'000, big.size() - written);
      reactor_->write(id, as_bytes(big).subspan(written, part));
      written += part;
    }
  };
  client_.on_drained = feed;
  std::size_t most_queued = 0;
  server_.on_bytes = [&](StreamId id, Bytes bytes) {
    reactor_->write(id, bytes);
    most_queued = std::max(most_queued, reactor_->queued(id));
    if (reactor_->queued(id) > Reactor::kHighWater) reactor_->pause_reading(id);
  };
  server_.on_drained = [&](StreamId id) { reactor_->resume_reading(id); };
  feed(client_id_);
  ASSERT_TRUE(run_until([&] {
    feed(client_id_);
    return client_.text.size() == big.size();
  }));
  EXPECT_TRUE(client_.text == big);
  EXPECT_LE(most_queued, Reactor::kHighWater + Reactor::kReceiveBytes);
}

TEST_P(StreamsTest, OneBusySocketDoesNotStarveTheTurn) {
  const auto big = pattern(3'000'000);
  reactor_->pause_reading(server_id_);
  reactor_->write(client_id_, as_bytes(big));
  for (int i = 0; i < 5; ++i) run_quietly();
  reactor_->resume_reading(server_id_);
  std::size_t most = 0;
  while (server_.text.size() < big.size()) {
    const auto before = server_.text.size();
    reactor_->run_once(*this, 100ms);
    most = std::max(most, server_.text.size() - before);
  }
  EXPECT_LE(most, Streams::kReadMax);
}

TEST_P(StreamsTest, HalfCloseAfterAllBytes) {
  const auto big = pattern(300'000);
  server_.on_bytes = [&](StreamId, Bytes) { EXPECT_FALSE(server_.finished); };
  reactor_->write(client_id_, as_bytes(big));
  reactor_->close(client_id_, CloseMode::flush);
  ASSERT_TRUE(run_until([&] { return server_.finished; }));
  EXPECT_TRUE(server_.text == big);
  EXPECT_FALSE(server_.closed);
  EXPECT_FALSE(client_.closed);
}

TEST_P(StreamsTest, PeerClosingInTheMiddleOfAWriteIsToldOnce) {
  reactor_->pause_reading(server_id_);
  const auto big = pattern(10'000'000);
  reactor_->write(client_id_, as_bytes(big));
  run_quietly();
  reactor_->close(server_id_, CloseMode::now);  // with unread input: a reset
  ASSERT_TRUE(run_until([&] { return client_.closed.has_value(); }));
  EXPECT_EQ(client_.closed, CloseReason::reset);
  EXPECT_NE(client_.detail, "");
  EXPECT_EQ(reactor_->blocks().in_use(), 0u);
}

TEST_P(StreamsTest, LastWordsOfThePeerComeBeforeTheBrokenPipe) {
  reactor_->pause_reading(client_id_);
  reactor_->write(server_id_, as_bytes("shutting down"));
  run_quietly();
  reactor_->close(server_id_, CloseMode::now);
  // Whether the failure shows at once or with the second write, the bytes come first.
  reactor_->write(client_id_, as_bytes("too late"));
  reactor_->resume_reading(client_id_);
  ASSERT_TRUE(run_until([&] {
    reactor_->write(client_id_, as_bytes("again"));
    return client_.closed.has_value();
  }));
  EXPECT_EQ(client_.text, "shutting down");
  EXPECT_TRUE(client_.finished);
}

TEST_P(StreamsTest, FailureIsNeverToldFromInsideACall) {
  reactor_->close(server_id_, CloseMode::reset);
  for (int i = 0; i < 3; ++i) {
    reactor_->write(client_id_, as_bytes(pattern(Reactor::kDirectWriteBytes)));
    EXPECT_FALSE(client_.closed);
  }
  EXPECT_TRUE(run_until([&] { return client_.closed.has_value(); }));
}

TEST_P(StreamsTest, AClosedStreamsSlotMayBeUsedAgainWithinTheTurn) {
  StreamId second_client;
  StreamRecorder second;
  server_.on_bytes = [&](StreamId id, Bytes) {
    const auto address = reactor_->local_address(id);
    reactor_->close(id, CloseMode::now);
    second_client = reactor_->connect(address, {}, &second);
    reactor_->write(id, as_bytes("nobody"));
  };
  reactor_->write(client_id_, as_bytes("go"));
  ASSERT_TRUE(run_until([&] { return server_.text == "go"; }));
  EXPECT_EQ(second_client.slot, server_id_.slot);
  EXPECT_NE(second_client.generation, 0u);
  run_quietly();
  EXPECT_EQ(server_.text, "go");
}

TEST_P(StreamsTest, DetachWhilePausedKeepsTheEndForTheNextOwner) {
  reactor_->pause_reading(server_id_);
  reactor_->write(client_id_, as_bytes("unread"));
  reactor_->close(client_id_, CloseMode::flush);
  run_quietly();
  auto parcel = reactor_->detach(server_id_);
  ASSERT_NE(parcel, nullptr);
  StreamRecorder next;
  reactor_->adopt(std::move(parcel), &next);
  ASSERT_TRUE(run_until([&] { return next.finished; }));
  EXPECT_EQ(next.text, "unread");
  EXPECT_EQ(server_.text, "");
}

TEST_P(StreamsTest, AddressesOfBothEnds) {
  EXPECT_EQ(reactor_->local_address(server_id_), reactor_->peer_address(client_id_));
  if (!accepted_from_.is_unix()) {
    EXPECT_EQ(accepted_from_, reactor_->local_address(client_id_));
  }
  EXPECT_EQ(reactor_->peer_address(StreamId{}), Address{});
}

// The streams alone, on a clock of the test's own.
class LingerTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = *Listener::open(test_address("127.0.0.1"), {});
    id_ = streams_.connect(listener_->address(), {}, &client_);
    peer_ =
        FileDescriptor(accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    while (!client_.connected) turn();
  }
  void turn() {
    const auto events = poller_.wait(0);
    streams_.begin_turn();
    for (const auto& event : events) {
      streams_.on_event(Source{event.data.u64}.stream(), event.events);
    }
    streams_.serve_ready();
    wheel_.advance(now_);
    for (TimerWheel::Expired due; wheel_.pop_expired(due);) {
      due.handler->timer_fired(due.timer, due.cookie);
    }
    streams_.flush_dirty();
  }
  // An end is acknowledged by the peer's kernel in its own time.
  void turn_until_heard() {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (streams_.last_words().unheard > 0 && std::chrono::steady_clock::now() < end) turn();
  }

  EpollReactor::Counters counters_;
  Instant now_{1'000'000'000};
  BlockPool blocks_;
  Poller poller_{counters_};
  TimerWheel wheel_{now_};
  Streams streams_{{poller_, blocks_, wheel_, counters_, now_}};
  std::shared_ptr<Listener> listener_;
  FileDescriptor peer_;
  StreamRecorder client_;
  StreamId id_;
};

TEST_F(LingerTest, APeerThatDoesNotReadIsGivenUpInTheEnd) {
  streams_.write(id_, as_bytes(pattern(20'000'000)));
  streams_.close(id_, CloseMode::flush);
  now_ = now_ + Streams::kLingerMax - 10ms;
  turn();
  EXPECT_EQ(streams_.size(), 1u);
  now_ = now_ + 20ms;
  turn();
  EXPECT_EQ(streams_.size(), 0u);
  EXPECT_EQ(blocks_.in_use(), 0u);
  EXPECT_FALSE(client_.closed);
}

TEST_F(LingerTest, APeerThatDoesNotEndIsGivenUpSooner) {
  streams_.write(id_, as_bytes("bye"));
  streams_.close(id_, CloseMode::flush);
  turn();
  EXPECT_EQ(streams_.size(), 1u);
  now_ = now_ + Streams::kLingerForEndMax + 10ms;
  turn();
  EXPECT_EQ(streams_.size(), 0u);
}

TEST_F(LingerTest, WithNothingUnsaidTheEndIsAtOnce) {
  streams_.close(id_, CloseMode::flush);
  EXPECT_EQ(streams_.size(), 0u);
  EXPECT_EQ(wheel_.size(), 0u);
}

// What a process that ends has to wait for, and what not.
TEST_F(LingerTest, WhoHasItsLastWordsIsNotWaitedForAndKeepsThem) {
  streams_.write(id_, as_bytes("bye"));
  streams_.close(id_, CloseMode::flush);
  turn_until_heard();
  EXPECT_EQ(streams_.size(), 1u) << "its peer has not ended";
  EXPECT_EQ(streams_.last_words().unsent, 0u);
  EXPECT_EQ(streams_.last_words().unheard, 0u);
  char heard[8];
  EXPECT_EQ(recv(peer_.get(), heard, sizeof heard, 0), 3);
  EXPECT_EQ(recv(peer_.get(), heard, sizeof heard, 0), 0) << "the end has come, too";
  EXPECT_EQ(send(peer_.get(), "late", 4, MSG_NOSIGNAL), 4);
  EXPECT_EQ(streams_.last_words().unheard, 1u) << "closed now, it would reset";
  turn_until_heard();
  EXPECT_EQ(streams_.last_words().unheard, 0u);
}

TEST_F(LingerTest, WhatTheKernelDoesNotTakeIsUnsent) {
  EXPECT_EQ(streams_.last_words().unsent, 0u);
  streams_.write(id_, as_bytes(pattern(20'000'000)));
  EXPECT_EQ(streams_.last_words().unsent, 0u) << "it is not closed";
  streams_.close(id_, CloseMode::flush);
  EXPECT_EQ(streams_.last_words().unsent, 1u);
  peer_.reset();
  for (int i = 0; i < 10'000 && streams_.size() > 0; ++i) turn();
  EXPECT_EQ(streams_.last_words().unsent, 0u);
}

TEST_F(LingerTest, EndsWithThePeer) {
  streams_.write(id_, as_bytes("bye"));
  streams_.close(id_, CloseMode::flush);
  peer_.reset();
  for (int i = 0; i < 10'000 && streams_.size() > 0; ++i) turn();
  EXPECT_EQ(streams_.size(), 0u);
  EXPECT_EQ(wheel_.size(), 0u);
}

class ConnectTest : public ReactorTest {};

TEST_F(ConnectTest, NoSuchUnixSocket) {
  const auto id = reactor_->connect(test_address("/tmp/tidegate/no/such"), {}, &client_);
  reactor_->write(id, as_bytes("lost"));
  EXPECT_FALSE(client_.closed);
  ASSERT_TRUE(run_until([&] { return client_.closed.has_value(); }));
  EXPECT_EQ(client_.closed, CloseReason::connect_refused);
  EXPECT_EQ(client_.detail, "No such file or directory");
}

int option_of(const ParcelPtr& parcel, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  getsockopt(dynamic_cast<SocketParcel&>(*parcel).socket.get(), level, name, &value, &length);
  return value;
}

TEST_F(ConnectTest, OptionsReachBothSockets) {
  const ConnectOptions options{.keepalive_idle_s = 33, .user_timeout = 7s};
  const auto listener = *Listener::open(test_address("127.0.0.1"), {.tcp = options});
  reactor_->accept_from(listener, this);
  client_id_ = reactor_->connect(listener->address(), options, &client_);
  ASSERT_TRUE(run_until([&] { return client_.connected && server_id_; }));
  for (const auto id : {client_id_, server_id_}) {
    const auto parcel = reactor_->detach(id);
    EXPECT_EQ(option_of(parcel, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option_of(parcel, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of(parcel, IPPROTO_TCP, TCP_KEEPIDLE), 33);
    EXPECT_EQ(option_of(parcel, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
  }
}

// Two reactors in two threads: a stream moves to and fro while its peer keeps asking.
TEST(MovingStreams, NoAnswerIsLostOnTheWay) {
  constexpr int kMoves = 200;
  const auto offload = Offload::make(1, 4);
  std::unique_ptr<EpollReactor> reactors[2] = {EpollReactor::make(*offload),
                                               EpollReactor::make(*offload)};
  struct Quiet final : TurnHandler {
    bool settle() override { return false; }
  } quiet;

  // Answers each byte with the next, and moves on after each.
  struct Mover final : StreamHandler {
    std::unique_ptr<EpollReactor>* reactors = nullptr;
    int home = 0;
    void bytes_arrived(StreamId id, Bytes bytes) override {
      auto& here = *reactors[home];
      for (const auto byte : bytes) {
        const std::uint8_t next = static_cast<std::uint8_t>(byte + 1);
        here.write(id, {&next, 1});
      }
      here.post([this, id, &here] { move(id, here); });
    }
    void move(StreamId id, EpollReactor& here) {
      auto parcel = here.detach(id);
      if (parcel == nullptr) return here.post([this, id, &here] { move(id, here); });
      home = 1 - home;
      auto& there = *reactors[home];
      there.post([this, &there, moved = std::move(parcel)]() mutable {
        there.adopt(std::move(moved), this);
      });
    }
    void peer_finished(StreamId id) override { reactors[home]->close(id, CloseMode::now); }
    void stream_closed(StreamId, CloseReason, const std::string&) override {}
  } mover;
  mover.reactors = reactors;

  struct Door final : AcceptHandler {
    EpollReactor* reactor = nullptr;
    StreamHandler* handler = nullptr;
    void accepted(ListenerId, ParcelPtr parcel, const Address&, const Address&) override {
      reactor->adopt(std::move(parcel), handler);
    }
  } door;
  door.reactor = reactors[0].get();
  door.handler = &mover;

  const auto listener = Listener::open(test_address("127.0.0.1"), {});
  ASSERT_TRUE(listener.has_value());
  reactors[0]->accept_from(*listener, &door);
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) threads[i] = std::thread([&, i] { reactors[i]->run(quiet); });

  const FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto& to = (*listener)->address();
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length), 0);
  const timeval patience{10, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  for (int i = 0; i < kMoves; ++i) {
    const auto asked = static_cast<std::uint8_t>(i);
    std::uint8_t answer = 0;
    ASSERT_EQ(send(fd.get(), &asked, 1, 0), 1);
    ASSERT_EQ(recv(fd.get(), &answer, 1, 0), 1) << "after " << i << " moves";
    ASSERT_EQ(answer, static_cast<std::uint8_t>(asked + 1));
  }
  for (auto& reactor : reactors) reactor->stop();
  for (auto& thread : threads) thread.join();
  offload->stop();
}

}  // namespace
}  // namespace tidegate::net
