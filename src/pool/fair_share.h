// Fair sharing of the budget: max-min by demand. A place in the budget that becomes free goes to
// the route in need that has the fewest servers; when none is free, a route that has more gives one
// up. Every rule here has hysteresis, because moving a place costs a login:
//   - two servers more are needed to have to give one up, so a move is never undone by the next;
//   - between routes nearer than that, only a server that nobody used for `evict_after` moves;
//   - a stranded route, with clients and not one server that serves them, gets an idle server at
//     once, and a busy one after `evict_after`: with more busy routes than the budget has places,
//     the places go round in slices of that time.
#pragma once

#include <compare>
#include <cstdint>

#include "base/time.h"

namespace tidegate::pool {

// In the order of service: stranded = clients wait and no server of the route serves (all pinned,
// or none); clients = clients wait; spare = only min_idle is not reached.
enum class NeedKind : std::uint8_t { stranded, clients, spare };

struct Need {
  NeedKind kind = NeedKind::spare;
  int share = 0;             // servers that the route has or is promised
  std::uint64_t number = 0;  // order of coming into need, or of the last place given
  auto operator<=>(const Need&) const = default;
};

// May a route in need have the place of another's idle server?
bool may_take_idle(const Need& need, int owner_share, Duration idle_for, Duration evict_after);

// May it have the place of a server that its owner's own clients wait for?
bool may_take_busy(const Need& need, int owner_share, Duration in_need_for, Duration served_for,
                   Duration evict_after);

}  // namespace tidegate::pool
