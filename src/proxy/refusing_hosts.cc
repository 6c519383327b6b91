#include "proxy/refusing_hosts.h"

#include <algorithm>

namespace tidegate::proxy {

std::size_t RefusingHosts::first_for(std::size_t turn) const {
  const std::scoped_lock hold(lock_);
  for (std::size_t i = 0; i < refused_.size(); ++i) {
    const auto host = (turn + i) % refused_.size();
    if (!refused_[host]) return host;
  }
  return turn;
}

bool RefusingHosts::refused(std::size_t first, std::size_t tried) {
  const std::scoped_lock hold(lock_);
  for (std::size_t i = 0; i < tried; ++i) refused_[(first + i) % refused_.size()] = true;
  return std::ranges::find(refused_, false) == refused_.end();
}

void RefusingHosts::accepted() {
  const std::scoped_lock hold(lock_);
  refused_.assign(refused_.size(), false);
}

}  // namespace tidegate::proxy
