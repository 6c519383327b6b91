// One exchange of a simulated client: what it sends, and what PostgreSQL would answer in that
// session. Made by a workload, matched by the client against what really comes.
#pragma once

#include <string>
#include <vector>

#include "sim/wire.h"

namespace tidegate::sim {

struct Exchange {
  Messages messages;
  // Messages from here on wait until the server has asked for COPY data. 0 = nothing waits.
  std::size_t hold_from = 0;
  bool cancellable = false;  // runs for a while; sent when nothing else is under way
  bool forbidden = false;    // the route's mode forbids it: an error is due
  bool ends_work = false;    // the last one of what the workload made in one go

  // Filled in when it is sent, from the client's own model of its session.
  Messages expected;               // without ParameterStatus
  std::vector<std::string> marks;  // committed by it
  bool cancel_may_hit = false;     // a cancel was on its way while it was
  std::string reported;            // the reported settings afterwards
};

}  // namespace tidegate::sim
