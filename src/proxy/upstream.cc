#include "proxy/upstream.h"

#include <algorithm>
#include <utility>

#include "proxy/hub.h"

namespace tidegate::proxy {

Upstream::Upstream(std::size_t index, config::Upstream spec, net::TlsContextRef tls,
                   std::uint64_t jitter_seed)
    : index_(index),
      spec_(std::move(spec)),
      tls_(std::move(tls)),
      pool_(spec_.limits, jitter_seed),
      wrong_(spec_.hosts.size()) {}

bool Upstream::all_hosts_wrong(std::size_t first, std::size_t tried) {
  const std::scoped_lock hold(wrong_lock_);
  for (std::size_t i = 0; i < tried; ++i) wrong_[(first + i) % wrong_.size()] = true;
  return std::ranges::find(wrong_, false) == wrong_.end();
}

void Upstream::no_host_wrong() {
  const std::scoped_lock hold(wrong_lock_);
  wrong_.assign(wrong_.size(), false);
}

std::shared_ptr<Hub> Upstream::hub(const std::string& database) {
  const std::scoped_lock hold(hubs_lock_);
  auto found = hubs_[database].lock();
  if (found != nullptr) return found;
  std::erase_if(hubs_, [](const auto& each) { return each.second.expired(); });
  found = std::make_shared<Hub>();
  hubs_[database] = found;
  return found;
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
