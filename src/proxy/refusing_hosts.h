// Which hosts of an upstream refuse one route. A wrong password at one of them need not be one at
// the next, so only what every host has said is the last word; until then the next attempt begins
// where none was refused yet. Shared by the workers; touched once per attempt.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace tidegate::proxy {

class RefusingHosts {
 public:
  explicit RefusingHosts(std::size_t hosts) : refused_(hosts) {}

  // Where the attempt whose turn it is to begin at `turn` had better begin.
  std::size_t first_for(std::size_t turn) const;
  // An attempt ended with a refusal. Hosts that it passed over because they cannot be reached count
  // too: waiting for them would help nobody. True when there is no host left to ask.
  bool refused(std::size_t first, std::size_t tried);
  void accepted();

 private:
  mutable std::mutex lock_;
  std::vector<bool> refused_;
};

}  // namespace tidegate::proxy
