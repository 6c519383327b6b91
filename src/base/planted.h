// Planted bugs: wrong behaviours that exist only in builds with TIDEGATE_PLANTED_BUGS, so that the
// simulator can prove that it finds each of them. In every other build planted() is constant
// false, and the wrong branches are not in the binary.
#pragma once

#include <cstdint>

namespace tidegate {

enum class Planted : std::uint8_t {
  none,
  // pool
  lost_wakeup,                     // a failed open does not wake the next one
  budget_off_by_one,               // one server more than the budget allows
  waiter_served_twice_after_gone,  // a client that left stays in the queue
  fifo_broken,                     // the last to come is served first
  // conversations and proxy
  reply_to_wrong_client,
  cancel_one_query_late,
  settings_not_replayed,
  inquiry_forgotten,  // what no report tells of a session's settings is not asked for
  statement_map_stale,
  release_in_transaction,
  owed_sync_forgotten,
  half_close_drops_query,
  server_leak_on_reset,
};

#ifdef TIDEGATE_PLANTED_BUGS
// One bug at a time; plant(Planted::none) heals.
bool planted(Planted bug);
void plant(Planted bug);
#else
constexpr bool planted(Planted) {
  return false;
}
#endif

}  // namespace tidegate
