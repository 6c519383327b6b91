#include "postgres/settings_table.h"

#include <algorithm>
#include <utility>

namespace tidegate::postgres {

SettingsRef SettingsTable::intern(SettingsRef settings) {
  const auto [first, last] = table_.equal_range(settings->tag());
  for (auto at = first; at != last; ++at) {
    if (*at->second == *settings) return at->second;
  }
  if (table_.size() >= sweep_at_) sweep();
  table_.emplace(settings->tag(), settings);
  return settings;
}

// Forgets those that nobody else holds.
void SettingsTable::sweep() {
  std::erase_if(table_, [](const auto& entry) { return entry.second.use_count() == 1; });
  sweep_at_ = std::max(kSweptAtFirst, table_.size() * 2);
}

}  // namespace tidegate::postgres
