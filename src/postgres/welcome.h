// What a client is told when it is let in, made once for all clients that come alike: the settings
// that it begins with and the ParameterStatus messages that tell them. Serverless functions
// connect by the thousand with the same startup packet, so a worker keeps the latest few.
#pragma once

#include <array>

#include "postgres/messages.h"
#include "postgres/route_snapshot.h"
#include "postgres/settings_table.h"

namespace tidegate::postgres {

struct Welcome {
  SettingsRef at_startup;  // what the client asked for, in PostgreSQL's spelling
  SettingsRef settings;    // that over the defaults of the route
  SettingsRef facts;       // what else servers report
  ByteBuffer reports;
};

class WelcomeTable {
 public:
  // Null when nobody came like that lately and the snapshot does not know either.
  const Welcome* find(const RouteSnapshotRef& snapshot, const Parameters& asked,
                      SettingsTable& table);

 private:
  static constexpr std::size_t kKept = 16;

  struct Kept {
    RouteSnapshotRef snapshot;
    Parameters asked;
    Welcome welcome;
  };
  std::array<Kept, kKept> kept_;
  std::size_t oldest_ = 0;
};

}  // namespace tidegate::postgres
