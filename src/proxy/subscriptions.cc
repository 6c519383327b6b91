#include "proxy/subscriptions.h"

namespace tidegate::proxy {

bool Subscriptions::add(const Subscriber& who, const std::string& channel) {
  auto& named = channels_[channel];
  if (!named.subscribers.insert(who).second) return false;
  named.by_worker.clear();
  auto& own = subscribers_[who];
  if (own.empty()) ++workers_[who.worker];
  own.insert(channel);
  ++count_;
  return named.subscribers.size() == 1;
}

bool Subscriptions::remove(const Subscriber& who, const std::string& channel) {
  const auto named = channels_.find(channel);
  if (named == channels_.end() || named->second.subscribers.erase(who) == 0) return false;
  named->second.by_worker.clear();
  --count_;
  const auto own = subscribers_.find(who);
  own->second.erase(channel);
  if (own->second.empty()) {
    subscribers_.erase(own);
    if (--workers_[who.worker] == 0) workers_.erase(who.worker);
  }
  if (!named->second.subscribers.empty()) return false;
  channels_.erase(named);
  return true;
}

std::vector<std::string> Subscriptions::of(const Subscriber& who) const {
  const auto own = subscribers_.find(who);
  if (own == subscribers_.end()) return {};
  return {own->second.begin(), own->second.end()};
}

std::vector<std::string> Subscriptions::channels() const {
  std::vector<std::string> names;
  for (const auto& [name, channel] : channels_) names.push_back(name);
  return names;
}

std::vector<Subscriber> Subscriptions::everybody() const {
  std::vector<Subscriber> all;
  for (const auto& [who, channels] : subscribers_) all.push_back(who);
  return all;
}

std::vector<WorkerIndex> Subscriptions::workers() const {
  std::vector<WorkerIndex> all;
  for (const auto& [worker, count] : workers_) all.push_back(worker);
  return all;
}

const std::map<WorkerIndex, Subscriptions::Clients>& Subscriptions::listeners(
    const std::string& channel) {
  static const std::map<WorkerIndex, Clients> kNobody;
  const auto named = channels_.find(channel);
  if (named == channels_.end()) return kNobody;
  auto& by_worker = named->second.by_worker;
  if (!by_worker.empty()) return by_worker;
  std::map<WorkerIndex, std::vector<ClientId>> sorted;
  for (const auto& who : named->second.subscribers) sorted[who.worker].push_back(who.client);
  for (auto& [worker, clients] : sorted) {
    by_worker[worker] = std::make_shared<const std::vector<ClientId>>(std::move(clients));
  }
  return by_worker;
}

}  // namespace tidegate::proxy
