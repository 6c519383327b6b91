// A listening address of the simulation, shared by any number of reactors: a connection waits in
// the backlog until one of them takes it.
#pragma once

#include <deque>
#include <vector>

#include "net/sim_network.h"

namespace tidegate::net {

class SimReactor;

class SimListener final : public SimAcceptor {
 public:
  SimListener(SimNetwork& network, Address address);
  ~SimListener() override;
  SimListener(const SimListener&) = delete;
  SimListener& operator=(const SimListener&) = delete;

  const Address& address() const { return address_; }

 private:
  friend class SimReactor;
  struct Waiting {
    SimSocket socket;
    Address peer;
  };

  void incoming(SimSocket socket, const Address& peer, const Address& local) override;
  void subscribe(SimReactor* reactor);
  void unsubscribe(SimReactor* reactor);
  // Wakes one of the reactors, as EPOLLEXCLUSIVE does.
  void wake_somebody();

  SimNetwork& network_;
  Address address_;
  std::deque<Waiting> backlog_;
  std::vector<SimReactor*> subscribers_;
};

}  // namespace tidegate::net
