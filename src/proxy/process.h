// What all workers of one process share: the configuration, the routes with their pools, the
// users, the counts, and each other.
#pragma once

#include <atomic>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "auth/scram.h"
#include "base/log.h"
#include "config/config.h"
#include "proxy/census.h"
#include "proxy/ids.h"
#include "proxy/routes.h"
#include "proxy/secrets.h"

namespace tidegate::proxy {

class Worker;

class Process {
 public:
  struct Wiring {
    Log& log;
    net::TlsContextRef client_tls;  // null: the listeners speak no TLS
    auth::Digest process_secret{};  // random, for mock verifiers
    std::uint64_t jitter_seed = 0;
  };
  // `workers`: how many will enlist, before the first client comes.
  static std::expected<std::unique_ptr<Process>, std::string> make(config::Config config,
                                                                   std::size_t workers,
                                                                   const Wiring& wiring);

  const config::Config& config() const { return config_; }
  const net::TlsContextRef& client_tls() const { return wiring_.client_tls; }
  Log& log() { return wiring_.log; }
  Routes& routes() { return *routes_; }
  Secrets& secrets() { return secrets_; }
  Gauge& clients() { return clients_; }
  // Of these, those that have proven who they are and were let in: what clients_max counts. Whoever
  // says nothing at the door takes nobody's place.
  Gauge& inside() { return inside_; }
  // The users of the console that came when clients_max was reached.
  Gauge& consoles_beyond() { return consoles_beyond_; }

  void enlist(Worker& worker) { workers_.push_back(&worker); }
  const std::vector<Worker*>& workers() const { return workers_; }
  Worker& worker(WorkerIndex index) { return *workers_[index]; }

  // May this user look at the console; may it steer.
  bool may_look(const std::string& user) const;
  bool may_steer(const std::string& user) const;

  // Set once: no new clients, those at rest are dismissed.
  void leave() { leaving_.store(true, std::memory_order_relaxed); }
  bool leaving() const { return leaving_.load(std::memory_order_relaxed); }

 private:
  Process(config::Config config, const Wiring& wiring);

  config::Config config_;
  Wiring wiring_;
  Secrets secrets_;
  std::unique_ptr<Routes> routes_;
  Gauge clients_, inside_, consoles_beyond_;
  std::vector<Worker*> workers_;
  std::atomic<bool> leaving_{false};
};

}  // namespace tidegate::proxy
