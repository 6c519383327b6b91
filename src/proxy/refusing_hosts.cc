#include "proxy/refusing_hosts.h"

#include <algorithm>

namespace tidegate::proxy {

std::size_t RefusingHosts::first_for(std::size_t turn) const {
  const std::scoped_lock hold(lock_);
  for (std::size_t i = 0; i < failed_.size(); ++i) {
    const auto host = (turn + i) % failed_.size();
    if (!failed_[host]) return host;
  }
  return turn;
}

bool RefusingHosts::failed(std::size_t first, std::size_t tried) {
  const std::scoped_lock hold(lock_);
  for (std::size_t i = 0; i < tried; ++i) failed_[(first + i) % failed_.size()] = true;
  return std::ranges::find(failed_, false) == failed_.end();
}

void RefusingHosts::accepted() {
  const std::scoped_lock hold(lock_);
  failed_.assign(failed_.size(), false);
}

}  // namespace tidegate::proxy
