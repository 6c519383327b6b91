#include "net/sim_network.h"

#include <gtest/gtest.h>

#include <optional>

#include "net/sim_reactor.h"

namespace tidegate::net {
namespace {

SimFaultMenu only(SimFault fault, std::uint16_t chance) {
  SimFaultMenu menu{};
  menu[static_cast<std::size_t>(fault)] = chance;
  return menu;
}

// Both ends of one connection, in two reactors; writes down what it is told.
class Ends : public StreamHandler, public AcceptHandler {
 public:
  explicit Ends(SimNetwork& network)
      : near(network, sim_address(1, 0)),
        far(network, sim_address(2, 0)),
        listener(std::make_shared<SimListener>(network, sim_address(2, 5432))) {
    far.accept_from(listener, this);
    near_stream = near.connect(listener->address(), {}, this);
  }

  void accepted(ListenerId, ParcelPtr parcel, const Address& peer, const Address&) override {
    far_stream = far.adopt(std::move(parcel), this);
    EXPECT_EQ(far.peer_address(far_stream), peer);
  }
  void stream_connected(StreamId) override { connected = true; }
  void stream_secured(StreamId, const TlsInfo& info) override { secured.push_back(info); }
  void bytes_arrived(StreamId, Bytes bytes) override { text += as_text(bytes); }
  void peer_finished(StreamId) override { finished = true; }
  void stream_closed(StreamId, CloseReason why, const std::string&) override {
    closed.push_back(why);
  }

  SimReactor near, far;
  std::shared_ptr<SimListener> listener;
  StreamId near_stream, far_stream;
  bool connected = false;
  bool finished = false;
  std::string text;
  std::vector<TlsInfo> secured;
  std::vector<CloseReason> closed;
};

TEST(SimNetwork, SameSeedSameTrace) {
  const auto trace = [](std::uint64_t seed) {
    SimNetwork network(seed, only(SimFault::split_segment, 5000));
    Ends ends(network);
    ends.near.write(ends.near_stream, as_bytes("a few bytes that may be split"));
    network.run_until(network.now() + 1s);
    return network.trace();
  };
  EXPECT_EQ(trace(7), trace(7));
  EXPECT_NE(trace(7), trace(8));
}

TEST(SimNetwork, TlsCarriesNameAndChannelBinding) {
  SimNetwork network(1, {});
  Ends ends(network);
  network.run_until(network.now() + 1s);
  ends.far.start_tls_server(ends.far_stream, nullptr, {});
  ends.near.start_tls_client(ends.near_stream, nullptr, "db.example");
  ends.near.write(ends.near_stream, as_bytes("held until it is secured"));
  network.run_until(network.now() + 1s);
  ASSERT_EQ(ends.secured.size(), 2u);
  EXPECT_EQ(ends.secured[0].sni, "db.example");
  EXPECT_EQ(ends.secured[0].channel_binding, ends.secured[1].channel_binding);
  EXPECT_EQ(ends.text, "held until it is secured");
  EXPECT_TRUE(ends.near.is_secured(ends.near_stream));
}

TEST(SimNetwork, TlsAgainstClearTextFails) {
  SimNetwork network(1, {});
  Ends ends(network);
  network.run_until(network.now() + 1s);
  ends.far.start_tls_server(ends.far_stream, nullptr, {});
  ends.near.write(ends.near_stream, as_bytes("no hello at all"));
  network.run_until(network.now() + 1s);
  ASSERT_FALSE(ends.closed.empty());
  EXPECT_EQ(ends.closed[0], CloseReason::tls_failed);
}

TEST(SimNetwork, TlsFailureReachesBothEnds) {
  SimNetwork network(1, only(SimFault::tls_failure, 10'000));
  Ends ends(network);
  network.run_until(network.now() + 1s);
  ends.far.start_tls_server(ends.far_stream, nullptr, {});
  ends.near.start_tls_client(ends.near_stream, nullptr, "db.example");
  network.run_until(network.now() + 1s);
  EXPECT_EQ(ends.closed, (std::vector{CloseReason::tls_failed, CloseReason::tls_failed}));
}

TEST(SimNetwork, OutOfDescriptorsAcceptsAndCloses) {
  SimNetwork network(1, only(SimFault::out_of_descriptors, 10'000));
  Ends ends(network);
  network.run_until(network.now() + 1s);
  EXPECT_EQ(ends.closed, std::vector{CloseReason::out_of_descriptors});
}

TEST(SimNetwork, ConnectTimeoutTakesTheKernelsTime) {
  SimNetwork network(1, only(SimFault::connect_timeout, 10'000));
  Ends ends(network);
  network.run_until(network.now() + 100s);
  EXPECT_TRUE(ends.closed.empty());
  network.run_until(network.now() + 100s);
  EXPECT_EQ(ends.closed, std::vector{CloseReason::connect_timeout});
}

TEST(SimNetwork, CloggedDirectionHoldsBytesBackAndNothingIsLost) {
  SimNetwork network(3, only(SimFault::clog, 10'000));
  Ends ends(network);
  for (int i = 0; i < 100; ++i) {
    ends.near.write(ends.near_stream, as_bytes("x"));
    network.run_until(network.now() + 20ms);
  }
  network.calm_down();
  network.run_until(network.now() + 10s);
  EXPECT_EQ(ends.text.size(), 100u);
  EXPECT_GT(network.fault_counts()[static_cast<std::size_t>(SimFault::clog)], 0u);
}

TEST(SimNetwork, LinkResetReachesBothEnds) {
  SimNetwork network(1, only(SimFault::link_reset, 10'000));
  Ends ends(network);
  network.run_until(network.now() + 1s);
  EXPECT_EQ(ends.closed, (std::vector{CloseReason::reset, CloseReason::reset}));
}

TEST(SimNetwork, NothingArrivesBehindAReset) {
  SimNetwork network(12, {});
  const auto link = std::make_shared<SimLink>(network, 1ms, 1024);
  SimSocket sender(link, 0);
  SimSocket receiver(link, 1);
  sender.send(as_bytes("lost on the way"));
  link->cut();
  sender.send(as_bytes("sent before the reset was seen"));
  network.run_until(network.now() + 1s);
  EXPECT_TRUE(receiver.was_reset());
  EXPECT_EQ(receiver.readable(), 0u);
}

TEST(SimNetwork, HostsHaveSeveralAddressesOrNone) {
  SimNetwork network(1, {});
  network.set_host("db.sim", {sim_address(1, 1), sim_address(2, 1)});
  EXPECT_EQ(network.resolve({"db.sim", 1}).addresses.size(), 2u);
  SimNetwork broken(1, only(SimFault::dns_failure, 10'000));
  EXPECT_FALSE(broken.resolve({"db.sim", 1}).error.empty());
}

TEST(SimNetwork, WallClockJumpsAndTheOtherDoesNot) {
  SimNetwork network(1, only(SimFault::wall_jump, 10'000));
  Ends ends(network);
  const auto wall = network.wall_now();
  const auto now = network.now();
  network.run_until(now + 1s);
  EXPECT_EQ(network.now() - now, Duration{1s});
  EXPECT_GT(std::abs(network.wall_now().us - wall.us - 1'000'000), 1'000'000);
}

TEST(SimNetwork, AbandonedAttemptIsNeverSeen) {
  SimNetwork network(1, {});
  Ends ends(network);
  ends.near.close(ends.near_stream, CloseMode::now);
  network.run_until(network.now() + 1s);
  EXPECT_FALSE(ends.far_stream);
}

TEST(SimReactor, CountsWhatIsLeft) {
  SimNetwork network(1, {});
  Ends ends(network);
  network.run_until(network.now() + 1s);
  EXPECT_EQ(ends.near.stream_count(), 1u);
  ends.near.close(ends.near_stream, CloseMode::flush);
  EXPECT_EQ(ends.near.stream_count(), 0u);
  EXPECT_EQ(ends.near.lingering_count(), 1u);
  network.run_until(network.now() + 10s);
  EXPECT_EQ(ends.near.lingering_count(), 0u);
}

}  // namespace
}  // namespace tidegate::net
