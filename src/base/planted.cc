#include "base/planted.h"

#ifdef TIDEGATE_PLANTED_BUGS
#include <atomic>

namespace tidegate {
namespace {
// The one global that the house allows itself: it does not exist in what is shipped.
std::atomic<Planted> g_planted = Planted::none;
}  // namespace

bool planted(Planted bug) {
  return g_planted.load(std::memory_order_relaxed) == bug;
}
void plant(Planted bug) {
  g_planted.store(bug, std::memory_order_relaxed);
}

}  // namespace tidegate
#endif
