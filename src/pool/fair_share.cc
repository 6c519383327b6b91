#include "pool/fair_share.h"

namespace tidegate::pool {
namespace {

constexpr int kGap = 2;

bool far_above(int owner_share, const Need& need) {
  return owner_share >= need.share + kGap;
}

}  // namespace

bool may_take_idle(const Need& need, int owner_share, Duration idle_for, Duration evict_after) {
  if (need.kind == NeedKind::spare) return false;
  if (need.kind == NeedKind::stranded) return true;
  return far_above(owner_share, need) || idle_for >= evict_after;
}

bool may_take_busy(const Need& need, int owner_share, Duration in_need_for, Duration served_for,
                   Duration evict_after) {
  if (need.kind == NeedKind::spare) return false;
  if (far_above(owner_share, need)) return true;
  return need.kind == NeedKind::stranded && in_need_for >= evict_after && served_for >= evict_after;
}

}  // namespace tidegate::pool
