#include "proxy/refusing_hosts.h"

#include <algorithm>
#include <utility>

namespace tidegate::proxy {

std::size_t RefusingHosts::first_for(std::size_t turn, Instant now) const {
  const std::scoped_lock hold(lock_);
  auto first = place(turn);
  bool found = false;
  for (std::size_t i = 0; i < failed_.size(); ++i) {
    const auto host = place(turn + i);
    if (failed_[host]) continue;
    if (avoided_until_[host] <= now) return host;
    if (!std::exchange(found, true)) first = host;
  }
  return first;
}

bool RefusingHosts::failed(std::size_t first, std::size_t tried, Instant now) {
  const std::scoped_lock hold(lock_);
  for (std::size_t i = 0; i < tried; ++i) {
    failed_[place(first + i)] = true;
    avoided_until_[place(first + i)] = now + kAvoided;
  }
  return std::ranges::find(failed_, false) == failed_.end();
}

void RefusingHosts::accepted(std::size_t first, std::size_t tried, Instant now) {
  const std::scoped_lock hold(lock_);
  failed_.assign(failed_.size(), false);
  for (std::size_t i = 0; i + 1 < tried; ++i) avoided_until_[place(first + i)] = now + kAvoided;
  avoided_until_[place(first + tried - 1)] = now;
}

}  // namespace tidegate::proxy
