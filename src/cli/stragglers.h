// Who keeps a leaving process from its end. Told to the operator, who may then help: a client that
// sits in an open transaction holds up a restart without knowing it.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "proxy/worker.h"

namespace tidegate::cli {

struct Straggler {
  std::string user, database, address;
  std::string doing;  // "in a transaction"
  Duration since{0};
};

// The clients of this worker that are not at rest. On its own thread.
std::vector<Straggler> stragglers(proxy::Worker& worker);

// The longest first, and not more than fit a line: "app@shop from 10.0.0.7:5123 in a transaction
// for 34s; ... and 12 more".
std::string describe(std::vector<Straggler> stragglers);

}  // namespace tidegate::cli
