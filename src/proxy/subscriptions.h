// Who listens to what, in one database: channels by name, and the clients behind each. Counted, so
// that a channel is listened to once however many ask for it, and no longer than one does.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/ids.h"

namespace tidegate::proxy {

struct Subscriber {
  WorkerIndex worker = 0;
  ClientId client;

  bool operator==(const Subscriber&) const = default;
  auto operator<=>(const Subscriber& other) const {
    return waiter_of({worker, client}) <=> waiter_of({other.worker, other.client});
  }
};

class Subscriptions {
 public:
  using Clients = std::shared_ptr<const std::vector<ClientId>>;

  // True: nobody listened to it before.
  bool add(const Subscriber& who, const std::string& channel);
  // True: nobody does any more.
  bool remove(const Subscriber& who, const std::string& channel);
  std::vector<std::string> of(const Subscriber& who) const;

  bool empty() const { return channels_.empty(); }
  std::size_t count() const { return count_; }
  std::vector<std::string> channels() const;
  std::vector<Subscriber> everybody() const;
  // The workers that have any of them.
  std::vector<WorkerIndex> workers() const;
  // By worker; made when first asked for after a change, and shared.
  const std::map<WorkerIndex, Clients>& listeners(const std::string& channel);

 private:
  struct Channel {
    std::set<Subscriber> subscribers;
    std::map<WorkerIndex, Clients> by_worker;  // empty: to be made
  };

  std::map<std::string, Channel> channels_;
  std::map<Subscriber, std::set<std::string>> subscribers_;
  std::map<WorkerIndex, std::size_t> workers_;  // how many subscribers each has
  std::size_t count_ = 0;
};

}  // namespace tidegate::proxy
