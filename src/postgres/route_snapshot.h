// What a route's clients are told at login without asking a server: everything that a fresh server
// reports, and for each set of startup parameters that was tried before, what PostgreSQL made of
// it. Immutable: a newer one takes its place.
#pragma once

#include <memory>
#include <vector>

#include "postgres/messages.h"
#include "postgres/settings.h"
#include "session/conversation.h"

namespace tidegate::postgres {

class RouteSnapshot;
using RouteSnapshotRef = std::shared_ptr<const RouteSnapshot>;

class RouteSnapshot final : public session::Snapshot {
 public:
  explicit RouteSnapshot(Parameters reported);

  const Parameters& reported() const { return reported_; }
  const SettingsRef& facts() const { return facts_; }
  // A standby may be promoted any time.
  bool of_standby() const;
  const SettingsRef& defaults() const { return defaults_; }

  // The settings that a client asked for, in PostgreSQL's spelling; null when only a server can
  // tell. An application name is known as it stands, if it is plain.
  SettingsRef known(const Parameters& asked) const;
  // What of it a server must be asked about.
  Parameters unknown(const Parameters& asked) const;
  // The same with these facts in the place of those of before.
  RouteSnapshotRef with_facts(const Settings& facts) const;
  // Remembers the answer for `asked` (the oldest of many is forgotten).
  RouteSnapshotRef with(const Parameters& asked, SettingsRef answer) const;

 private:
  struct Accepted {
    Parameters asked;
    SettingsRef answer;
  };

  Parameters reported_;
  SettingsRef defaults_;
  SettingsRef facts_;
  std::vector<Accepted> accepted_;
};

inline RouteSnapshotRef snapshot_of(session::SnapshotPort& port) {
  return std::static_pointer_cast<const RouteSnapshot>(port.snapshot());
}

// Puts what `change` makes of the snapshot (which may be null) in its place, again when somebody
// else was faster; gives it.
template <typename Change>
RouteSnapshotRef renew_snapshot(session::SnapshotPort& port, const Change& change) {
  while (true) {
    const auto former = snapshot_of(port);
    const RouteSnapshotRef next = change(former);
    if (next == former || port.replace_snapshot(former, next)) return next;
  }
}

}  // namespace tidegate::postgres
