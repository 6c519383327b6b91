#include "sim/planting.h"

#include <utility>

#include "base/planted.h"

namespace tidegate::sim {

#ifdef TIDEGATE_PLANTED_BUGS

bool plant_by_name(std::string_view name) {
  static constexpr std::pair<std::string_view, Planted> kNames[] = {
      {"lost_wakeup", Planted::lost_wakeup},
      {"budget_off_by_one", Planted::budget_off_by_one},
      {"waiter_served_twice_after_gone", Planted::waiter_served_twice_after_gone},
      {"fifo_broken", Planted::fifo_broken},
      {"reply_to_wrong_client", Planted::reply_to_wrong_client},
      {"cancel_one_query_late", Planted::cancel_one_query_late},
      {"settings_not_replayed", Planted::settings_not_replayed},
      {"inquiry_forgotten", Planted::inquiry_forgotten},
      {"statement_map_stale", Planted::statement_map_stale},
      {"release_in_transaction", Planted::release_in_transaction},
      {"owed_sync_forgotten", Planted::owed_sync_forgotten},
      {"half_close_drops_query", Planted::half_close_drops_query},
      {"server_leak_on_reset", Planted::server_leak_on_reset},
  };
  for (const auto& [known, bug] : kNames) {
    if (known != name) continue;
    plant(bug);
    return true;
  }
  return false;
}

#else

bool plant_by_name(std::string_view) {
  return false;
}

#endif

}  // namespace tidegate::sim
