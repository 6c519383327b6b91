// One database as all workers share it: the policy of its pool behind one short lock, how to reach
// it, and the SCRAM keys that spare a reconnect the 4096 rounds.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "auth/scram.h"
#include "base/wipe.h"
#include "config/config.h"
#include "net/tls.h"
#include "pool/pool.h"
#include "proxy/last_failure.h"
#include "session/schema_version.h"
#include "session/secret.h"

namespace tidegate::proxy {

class Hub;

class Upstream {
 public:
  Upstream(std::size_t index, config::Upstream spec, net::TlsContextRef tls,
           std::uint64_t jitter_seed);

  std::size_t index() const { return index_; }  // among the upstreams of the process
  const config::Upstream& spec() const { return spec_; }
  const net::TlsContextRef& tls() const { return tls_; }

  // The pool is touched only by a visitor that runs under the lock: short, and no system call.
  template <typename Visitor>
  auto with_pool(Visitor&& visit) {
    const std::scoped_lock hold(lock_);
    return visit(pool_);
  }

  // Where the next connection attempt begins in the list of hosts.
  std::size_t next_host() {
    const bool in_turn = spec_.host_order == config::HostOrder::in_turn;
    return in_turn ? next_host_.fetch_add(1, std::memory_order_relaxed) : 0;
  }

  // Of a database by its name there; kept by whoever uses it.
  std::shared_ptr<Hub> hub(const std::string& database);

  session::SchemaVersion& schema() { return schema_; }
  LastFailure& last_failure() { return last_failure_; }
  // An attempt that had begun at `first` found something wrong that will last (a certificate) with
  // the last host that it tried, and could not reach those before. True when there is no other host
  // left, and no attempt has said otherwise since.
  bool all_hosts_wrong(std::size_t first, std::size_t tried);
  void no_host_wrong();

  // SCRAM keys by what they were derived from. Bounded; one of them goes when it is
  // full, whichever stands first.
  struct KeyQuery {
    std::string password;
    std::vector<std::uint8_t> salt;
    std::uint32_t iterations = 0;
    auto operator<=>(const KeyQuery&) const = default;
    ~KeyQuery() { wipe(password); }
  };
  std::optional<session::ScramKeys> find_keys(const KeyQuery& query);
  void keep_keys(const KeyQuery& query, const session::ScramKeys& keys);

 private:
  static constexpr std::size_t kKeysMax = 1000;

  std::size_t index_;
  config::Upstream spec_;
  net::TlsContextRef tls_;
  std::mutex lock_;
  pool::Pool pool_;
  std::atomic<std::size_t> next_host_{0};
  std::mutex wrong_lock_;
  std::vector<bool> wrong_;  // by host
  LastFailure last_failure_;
  session::SchemaVersion schema_;
  std::mutex keys_lock_;
  std::map<KeyQuery, session::ScramKeys> keys_;
  std::mutex hubs_lock_;
  std::map<std::string, std::weak_ptr<Hub>> hubs_;
};

// Derives what find_keys() did not know; slow, for the offload threads.
session::ScramKeys derive_scram_keys(const Upstream::KeyQuery& query);

}  // namespace tidegate::proxy
