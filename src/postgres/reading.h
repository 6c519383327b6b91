// What is known, for the length of a link, of how its server will read the next text: where a
// string in it ends, what its literals and names mean. PostgreSQL tells of a change with the next
// ReadyForQuery only, and of some changes never.
#pragma once

#include <string_view>
#include <utility>

namespace tidegate::postgres {

// What running a text may change for those behind it.
struct Changes {
  bool settings = false;     // some are reported with the next ReadyForQuery
  bool definitions = false;  // of tables, types, functions: known as soon as it has run

  bool any() const { return settings || definitions; }
  Changes operator|(Changes other) const {
    return {settings || other.settings, definitions || other.definitions};
  }
};

class Reading {
 public:
  // --- What was sent ---
  void may_change(Changes changes) { in_flight_ = in_flight_ | changes; }
  void may_change_text_rules() { rules_touched_ = true; }
  void changes_unseen() { alone_ = true; }
  // Executing this portal may change something, whenever that comes.
  void bound(std::string_view portal, Changes changes) {
    auto& portals = portal.empty() ? unnamed_ : named_;
    portals = portals | changes;
  }
  // The unnamed portal is done then, unless it gives its rows in parts.
  void executed(std::string_view portal, bool whole) {
    may_change(portal.empty() ? unnamed_ : named_);
    if (portal.empty() && whole) unnamed_ = {};
  }

  // --- What was answered ---
  // Everything; `unsynced`: but the reports come with the next Sync. Gives what may be other now.
  Changes answered(bool unsynced) {
    const auto changed = std::exchange(in_flight_, {});
    if (changed.settings && unsynced) alone_ = unreported_ = true;
    return changed;
  }
  void reported() { unreported_ = false; }
  // All that nobody saw is known: the transaction is over, and the server was asked.
  void known() { alone_ = rules_touched_ = false; }
  void portals_ended() { unnamed_ = named_ = {}; }
  void unlinked() {
    alone_ = unreported_ = rules_touched_ = false;
    portals_ended();
  }

  // --- What follows from it ---
  // Whether what is on its way, if anything, may change how the next text is read.
  bool in_flight() const { return in_flight_.any(); }
  bool has_portals() const { return unnamed_.any() || named_.any(); }
  bool unreported() const { return unreported_; }
  // Whether a string may end elsewhere than the scanner thinks.
  bool misleads() const { return unreported_ && rules_touched_; }
  // Whether texts mean here what they mean nowhere else.
  bool alone() const { return alone_; }

 private:
  Changes in_flight_;
  Changes unnamed_;             // by the portal of that name
  Changes named_;               // ... by one of the others
  bool unreported_ = false;     // changed since the last Sync
  bool rules_touched_ = false;  // of where in a text a string ends
  bool alone_ = false;
};

}  // namespace tidegate::postgres
