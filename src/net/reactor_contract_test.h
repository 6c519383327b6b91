// What every backend of the reactor must do, as scenarios that know no backend: each runs against
// a ContractWorld, which brings two reactors and the far ends of their connections. A backend
// gives its world's factory to INSTANTIATE_TEST_SUITE_P(..., ReactorContract, ...).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "net/reactor.h"

namespace tidegate::net {

// The far end of a connection, in nobody's reactor.
class ContractPeer {
 public:
  virtual ~ContractPeer() = default;
  // Takes everything, sooner or later.
  virtual void send(std::string_view text) = 0;
  virtual void finish() = 0;
  virtual void reset() = 0;
  // Nothing is read while this is false: the other side's output piles up.
  virtual void set_reading(bool reading) = 0;
  virtual const std::string& received() const = 0;
  virtual bool saw_end() const = 0;
  virtual bool saw_reset() const = 0;
};

class ContractWorld {
 public:
  virtual ~ContractWorld() = default;
  virtual Reactor& reactor(int index) = 0;  // 0 and 1
  virtual void set_turn_handler(int index, TurnHandler* turn) = 0;
  // Somebody listens here; the next connection comes out of accept_peer().
  virtual Address open_address() = 0;
  virtual Address closed_address() = 0;
  virtual std::unique_ptr<ContractPeer> accept_peer() = 0;  // null until a connection is there
  // Connects to a listener of reactor 0.
  virtual std::unique_ptr<ContractPeer> dial(AcceptHandler* handler) = 0;
  // Lets the world go on until `done`, or for a bounded time. Gives done().
  virtual bool run_until(const std::function<bool()>& done) = 0;
  void settle_down() {
    for (int i = 0; i < 20; ++i) run_for(1ms);
  }
  virtual void run_for(Duration time) = 0;
};

using ContractWorldFactory = std::function<std::unique_ptr<ContractWorld>()>;

class ReactorContract : public testing::TestWithParam<ContractWorldFactory> {
 protected:
  void SetUp() override { world_ = GetParam()(); }
  std::unique_ptr<ContractWorld> world_;
};

}  // namespace tidegate::net
