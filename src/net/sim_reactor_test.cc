#include "net/sim_reactor.h"

#include <gtest/gtest.h>

#include "net/reactor_contract_test.h"

namespace tidegate::net {
namespace {

SimFaultMenu calm() {
  return {};
}

// Faults that a correct backend hides from its users.
SimFaultMenu rough() {
  SimFaultMenu menu{};
  for (const auto fault : {SimFault::split_segment, SimFault::short_read, SimFault::short_write,
                           SimFault::worker_stall}) {
    menu[static_cast<std::size_t>(fault)] = 3000;
  }
  menu[static_cast<std::size_t>(SimFault::worker_stall)] = 50;
  return menu;
}

class SimPeer final : public ContractPeer, SimSocketWatcher {
 public:
  explicit SimPeer(SimSocket socket) : socket_(std::move(socket)) { socket_.watch(this); }

  void send(std::string_view text) override {
    unsent_ += text;
    socket_changed();
  }
  void finish() override {
    finishing_ = true;
    socket_changed();
  }
  void reset() override { socket_.reset(); }
  void set_reading(bool reading) override {
    reading_ = reading;
    socket_changed();
  }
  const std::string& received() const override { return received_; }
  bool saw_end() const override { return saw_end_; }
  bool saw_reset() const override { return saw_reset_; }

 private:
  void socket_changed() override {
    if (!socket_) return;
    unsent_.erase(0, socket_.send(as_bytes(unsent_)));
    if (finishing_ && unsent_.empty()) socket_.finish();
    std::uint8_t buffer[4096];
    while (reading_) {
      const auto count = socket_.receive(buffer);
      if (count == 0) break;
      received_ += as_text(Bytes(buffer).first(count));
    }
    saw_end_ = saw_end_ || socket_.at_end();
    saw_reset_ = saw_reset_ || socket_.was_reset();
  }

  SimSocket socket_;
  std::string unsent_;
  std::string received_;
  bool finishing_ = false;
  bool reading_ = true;
  bool saw_end_ = false;
  bool saw_reset_ = false;
};

class SimWorld final : public ContractWorld, SimAcceptor {
 public:
  SimWorld(std::uint64_t seed, const SimFaultMenu& menu)
      : network_(seed, menu),
        reactors_{{network_, sim_address(1, 0)}, {network_, sim_address(2, 0)}} {
    network_.listen(open_address(), this);
  }

  SimReactor& reactor(int index) override { return reactors_[index]; }
  void set_turn_handler(int index, TurnHandler* turn) override {
    reactors_[index].set_turn_handler(turn);
  }
  Address open_address() override { return sim_address(100, 5432); }
  Address closed_address() override { return sim_address(101, 5432); }
  std::unique_ptr<ContractPeer> accept_peer() override { return std::move(arrived_); }
  std::unique_ptr<ContractPeer> dial(AcceptHandler* handler) override {
    auto listener = std::make_shared<SimListener>(network_, sim_address(1, 6432));
    reactors_[0].accept_from(listener, handler);
    std::unique_ptr<ContractPeer> peer;
    network_.connect(sim_address(9, 1000), listener->address(), [&](SimSocket socket, CloseReason) {
      peer = std::make_unique<SimPeer>(std::move(socket));
    });
    EXPECT_TRUE(run_until([&] { return peer != nullptr; }));
    return peer;
  }
  bool run_until(const std::function<bool()>& done) override {
    const auto limit = network_.now() + 60s;
    while (!done() && network_.now() < limit && network_.step()) continue;
    return done();
  }
  void run_for(Duration time) override { network_.run_until(network_.now() + time); }

 private:
  void incoming(SimSocket socket, const Address&, const Address&) override {
    arrived_ = std::make_unique<SimPeer>(std::move(socket));
  }

  SimNetwork network_;
  SimReactor reactors_[2];
  std::unique_ptr<ContractPeer> arrived_;
};

ContractWorldFactory world(std::uint64_t seed, SimFaultMenu menu) {
  return [=] { return std::make_unique<SimWorld>(seed, menu); };
}

INSTANTIATE_TEST_SUITE_P(SimCalm, ReactorContract, testing::Values(world(1, calm())));
INSTANTIATE_TEST_SUITE_P(SimRough, ReactorContract,
                         testing::Values(world(1, rough()), world(2, rough()), world(3, rough()),
                                         world(4, rough()), world(5, rough())));

}  // namespace
}  // namespace tidegate::net
