// Which of a session's statement names may still turn out to mean something else. What is sent
// behind a request that fails is skipped up to the Sync, and with it what it did to names; so what
// a name means is certain once everything is answered that may take it back.
#pragma once

#include <utility>

namespace tidegate::postgres {

class NameDoubts {
 public:
  // --- What was sent ---
  void unnamed_changed() { unnamed_fresh_ = true; }
  void name_changed() { in_flight_ = true; }
  // It stands behind something that may fail.
  void doubted() { doubted_ = true; }
  void forgets_all() { forgets_ = true; }
  void segment_ended() {
    unnamed_in_flight_ |= std::exchange(unnamed_fresh_, false);
    in_doubt_ |= std::exchange(doubted_, false);
  }

  // --- What was answered ---
  void answered() { in_flight_ = in_doubt_ = unnamed_in_flight_ = false; }
  void unlinked() { forgets_ = false; }

  // --- What follows from it, as long as the end of a segment is owed ---
  // A name was given or given up.
  bool in_flight() const { return in_flight_; }
  // ... in a segment that may take it back.
  bool names() const { return in_doubt_; }
  // The unnamed statement comes from such a segment; not so what this segment has changed itself.
  bool unnamed() const { return !unnamed_fresh_ && (unnamed_in_flight_ || in_doubt_); }
  // A DEALLOCATE ALL or DISCARD ALL was sent on this link.
  bool forgets() const { return forgets_; }

 private:
  bool unnamed_fresh_ = false;
  bool unnamed_in_flight_ = false;
  bool in_flight_ = false;
  bool doubted_ = false;
  bool in_doubt_ = false;
  bool forgets_ = false;
};

}  // namespace tidegate::postgres
