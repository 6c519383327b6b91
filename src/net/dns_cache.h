// What names were last found to mean. An answer is kept for as long as it says, within a bound;
// a failure is kept for a moment, so that a burst of connects asks once. Pure: told the time.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "net/address.h"

namespace tidegate::net {

struct DnsAnswer {
  std::vector<Address> addresses;  // port 0; empty: `error` says why
  std::string error;
  bool unknown_name = false;
};

class DnsCache {
 public:
  static constexpr std::size_t kNamesMax = 1024;

  // Null when unknown or out of date.
  const DnsAnswer* find(const std::string& name, Instant now) const;
  void put(const std::string& name, DnsAnswer answer, Instant expires, Instant now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    DnsAnswer answer;
    Instant expires;
  };
  void make_room(Instant now);

  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace tidegate::net
