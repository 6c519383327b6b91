#include "net/dns_cache.h"

#include <algorithm>

namespace tidegate::net {

const DnsAnswer* DnsCache::find(const std::string& name, Instant now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.expires <= now) return nullptr;
  return &found->second.answer;
}

void DnsCache::put(const std::string& name, DnsAnswer answer, Instant expires, Instant now) {
  if (entries_.size() >= kNamesMax && !entries_.contains(name)) make_room(now);
  entries_[name] = {std::move(answer), expires};
}

// Drops what is out of date, or else what will be first.
void DnsCache::make_room(Instant now) {
  if (std::erase_if(entries_, [now](const auto& e) { return e.second.expires <= now; }) > 0) return;
  entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](auto& a, auto& b) {
    return a.second.expires < b.second.expires;
  }));
}

}  // namespace tidegate::net
