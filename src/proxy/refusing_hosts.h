// Which hosts of an upstream have no server for one route. A wrong password at one of them need not
// be one at the next, so only what every host has said is the last word; until then the next
// attempt begins where none has failed yet. Shared by the workers; touched once per attempt.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace tidegate::proxy {

class RefusingHosts {
 public:
  explicit RefusingHosts(std::size_t hosts) : failed_(hosts) {}

  // Where the attempt whose turn it is to begin at `turn` had better begin.
  std::size_t first_for(std::size_t turn) const;
  // An attempt ended without a server, whether it was refused or reached nobody: waiting for a host
  // that cannot be reached would help nobody either, and asking it alone would starve the route.
  // True when there is no host left to ask.
  bool failed(std::size_t first, std::size_t tried);
  void accepted();

 private:
  mutable std::mutex lock_;
  std::vector<bool> failed_;
};

}  // namespace tidegate::proxy
