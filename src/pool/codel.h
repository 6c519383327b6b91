// Overload, by the CoDel rule (Nichols and Jacobson, "Controlling Queue Delay"): a queue that
// absorbs a burst is good, a queue that stands is only delay. When every client served for a whole
// `interval` had waited longer than `target`, the queue stands, and whoever has waited twice the
// target is shed until one is served within the target again.
//
// Those who waited longest are shed, not the newest: they have the least patience left, the order
// of service stays first come first served, and nobody who is served has waited longer than twice
// the target. The queue keeps up to two targets' worth of clients, so no server runs dry.
//
// The rule acts on service alone. A queue that is not served at all (the database restarts, every
// server is in a long transaction) is not overload: it keeps its clients until their deadlines.
#pragma once

#include "base/time.h"

namespace tidegate::pool {

struct CodelRule {
  Duration target;
  Duration interval;
};

class Codel {
 public:
  void served(Duration waited, Instant now, CodelRule rule) {
    if (waited <= rule.target) return calm();
    last_served_ = now;
    if (above_since_.is_never()) above_since_ = now;
    if (now - above_since_ >= rule.interval) overloaded_ = true;
  }
  void calm() { *this = {}; }

  // When a client that came at `since` is to be shed, as things are.
  Instant shed_at(Instant since, CodelRule rule) const {
    return overloaded_ ? since + 2 * rule.target : Instant::never();
  }
  // True when nobody was served for so long that this is not overload any more.
  bool stalled(Instant now, CodelRule rule) const {
    return overloaded_ && now - last_served_ > rule.interval;
  }

 private:
  bool overloaded_ = false;
  Instant above_since_ = Instant::never();  // since then everybody served had waited too long
  Instant last_served_;
};

}  // namespace tidegate::pool
