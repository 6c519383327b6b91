#include "proxy/upstream.h"

#include <utility>

namespace tidegate::proxy {

Upstream::Upstream(std::size_t index, config::Upstream spec, net::TlsContextRef tls,
                   std::uint64_t jitter_seed)
    : index_(index),
      spec_(std::move(spec)),
      tls_(std::move(tls)),
      pool_(spec_.limits, jitter_seed) {}

bool Upstream::all_hosts_wrong(bool wrong) {
  if (wrong)
    return wrong_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1 >= spec_.hosts.size();
  wrong_in_a_row_.store(0, std::memory_order_relaxed);
  return false;
}

std::optional<session::ScramKeys> Upstream::find_keys(const KeyQuery& query) {
  const std::scoped_lock hold(keys_lock_);
  const auto found = keys_.find(query);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

void Upstream::keep_keys(const KeyQuery& query, const session::ScramKeys& keys) {
  const std::scoped_lock hold(keys_lock_);
  if (keys_.size() >= kKeysMax) keys_.erase(keys_.begin());
  keys_.insert_or_assign(query, keys);
}

session::ScramKeys derive_scram_keys(const Upstream::KeyQuery& query) {
  auto salted = auth::scram_salted_password(query.password, query.salt, query.iterations);
  const session::ScramKeys keys{auth::scram_client_key(salted), auth::scram_server_key(salted)};
  explicit_bzero(salted.data(), salted.size());
  return keys;
}

}  // namespace tidegate::proxy
