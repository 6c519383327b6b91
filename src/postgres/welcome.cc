#include "postgres/welcome.h"

#include <utility>

namespace tidegate::postgres {
namespace {

ByteBuffer reports_of(const RouteSnapshot& snapshot, const Settings& settings) {
  ByteBuffer out;
  for (const auto& [name, value] : snapshot.reported()) {
    const auto* own = settings.find(name);
    write_parameter_status(out, name, own != nullptr ? *own : value);
  }
  return out;
}

}  // namespace

const Welcome* WelcomeTable::find(const RouteSnapshotRef& snapshot, const Parameters& asked,
                                  SettingsTable& table) {
  for (const auto& kept : kept_) {
    if (kept.snapshot == snapshot && kept.asked == asked) return &kept.welcome;
  }
  const auto at_startup = snapshot->known(asked);
  if (at_startup == nullptr) return nullptr;
  auto settings = at_startup->entries().empty() ? snapshot->defaults()
                                                : snapshot->defaults()->with_all(*at_startup);
  auto& kept = kept_[std::exchange(oldest_, (oldest_ + 1) % kKept)];
  kept = {snapshot, asked, {at_startup, table.intern(std::move(settings)), snapshot->facts(), {}}};
  kept.welcome.reports = reports_of(*snapshot, *kept.welcome.settings);
  return &kept.welcome;
}

}  // namespace tidegate::postgres
