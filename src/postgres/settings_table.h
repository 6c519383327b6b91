// One object for equal settings, per worker. Thousands of clients that each send the same SET
// would otherwise each keep a copy of all that is known, several times the size of a session.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "postgres/settings.h"

namespace tidegate::postgres {

class SettingsTable {
 public:
  // The object that stands for all that are equal to `settings`. Bounded by what sessions hold.
  SettingsRef intern(SettingsRef settings);
  std::size_t size() const { return table_.size(); }

 private:
  static constexpr std::size_t kSweptAtFirst = 64;

  void sweep();
  std::unordered_multimap<FitTag, SettingsRef> table_;
  std::size_t sweep_at_ = kSweptAtFirst;
};

}  // namespace tidegate::postgres
