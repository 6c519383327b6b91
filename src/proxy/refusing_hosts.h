// Which hosts of an upstream have no server for one route. A wrong password at one of them need not
// be one at the next, so only what every host has said is the last word; until then the next
// attempt begins where none has failed yet. And since one that does not answer would cost every
// attempt its time, it comes last for a while, also when another host lets us in meanwhile. Shared
// by the workers; touched once per attempt.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "base/time.h"

namespace tidegate::proxy {

class RefusingHosts {
 public:
  static constexpr Duration kAvoided = 30s;

  explicit RefusingHosts(std::size_t hosts) : failed_(hosts), avoided_until_(hosts) {}

  // Where the attempt whose turn it is to begin at `turn` had better begin.
  std::size_t first_for(std::size_t turn, Instant now) const;
  // An attempt ended without a server, whether it was refused or reached nobody: waiting for a host
  // that cannot be reached would help nobody either, and asking it alone would starve the route.
  // True when there is no host left to ask.
  bool failed(std::size_t first, std::size_t tried, Instant now);
  // An attempt that had begun at `first` was let in by the last host that it tried.
  void accepted(std::size_t first, std::size_t tried, Instant now);

 private:
  std::size_t place(std::size_t number) const { return number % failed_.size(); }

  mutable std::mutex lock_;
  std::vector<bool> failed_;  // since somebody was let in
  std::vector<Instant> avoided_until_;
};

}  // namespace tidegate::proxy
