// What is known, for the length of a link, of how its server will read the next text: where a
// string in it ends, what its literals and names mean. PostgreSQL tells of a change with the next
// ReadyForQuery only, and of some changes never.
#pragma once

#include <string_view>
#include <utility>

namespace tidegate::postgres {

class Reading {
 public:
  // --- What was sent ---
  void may_change() { in_flight_ = true; }  // something that is reported
  void may_change_text_rules() { rules_touched_ = true; }
  void changes_unseen() { alone_ = true; }
  // Executing this portal may change something, whenever that comes.
  void bound(std::string_view portal) { (portal.empty() ? unnamed_ : named_) = true; }
  // The unnamed portal is done then, unless it gives its rows in parts.
  void executed(std::string_view portal, bool whole) {
    in_flight_ = true;
    if (portal.empty() && whole) unnamed_ = false;
  }

  // --- What was answered ---
  // Everything; `unsynced`: but the reports come with the next Sync.
  void answered(bool unsynced) {
    if (std::exchange(in_flight_, false) && unsynced) alone_ = unreported_ = true;
  }
  void reported() { unreported_ = false; }
  void portals_ended() { unnamed_ = named_ = false; }
  void unlinked() {
    alone_ = unreported_ = rules_touched_ = false;
    portals_ended();
  }

  // --- What follows from it ---
  // Whether what is on its way, if anything, may change how the next text is read.
  bool in_flight() const { return in_flight_; }
  bool has_portals() const { return unnamed_ || named_; }
  bool unreported() const { return unreported_; }
  // Whether a string may end elsewhere than the scanner thinks.
  bool misleads() const { return unreported_ && rules_touched_; }
  // Whether texts mean here what they mean nowhere else.
  bool alone() const { return alone_; }

 private:
  bool in_flight_ = false;
  bool unreported_ = false;     // changed since the last Sync
  bool rules_touched_ = false;  // of where in a text a string ends
  bool alone_ = false;
  bool unnamed_ = false;  // the portal of that name changes something
  bool named_ = false;    // ... or one of the others
};

}  // namespace tidegate::postgres
