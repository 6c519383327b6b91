// A survey asks every worker what it has and brings the answers to the one that asked. Workers
// share nothing that could be read from outside, so a table over all of them is made of their
// answers, each true at its own turn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "proxy/process.h"
#include "proxy/worker.h"

namespace tidegate::admin {

// A client or a server, as SHOW CLIENTS and SHOW SERVERS print them: the same columns.
struct SocketRow {
  char type = 'C';
  const proxy::Route* route = nullptr;  // null: the console, or not admitted yet; a name only
  int cancels = 0;                      // of a server: cancel requests on their way to it
  std::string user, database, state, address, local_address, application_name, tls;
  int port = 0, local_port = 0;
  WallTime connected, requested;
  Duration wait{0};
  std::uint64_t id = 0, link = 0;
  std::uint32_t remote_pid = 0;
  int prepared_statements = 0;
  int channels = 0;  // that it listens to
  bool closing = false;
  std::string pin;  // why the server is held past its transaction; empty: it is not
};

// What happened on a route, as one worker counted it: since the start, and as it stood at both
// ends of the last whole stats_period.
struct RouteTraffic {
  std::shared_ptr<const proxy::Route> route;  // kept alive until the table is made
  session::Traffic total;
  proxy::Route::Period period;
};

// A worker, and the system calls of its reactor.
struct WorkerRow {
  std::size_t index = 0, clients = 0, servers = 0;
  net::Reactor::Counters counters;
};

struct Findings {
  std::vector<SocketRow> clients;
  std::vector<SocketRow> servers;
  std::vector<RouteTraffic> traffic;  // one entry per worker and route
  std::vector<WorkerRow> workers;
};

using SurveyDone = std::move_only_function<void(Findings)>;
// Answers on `home`, in a later turn.
void survey(proxy::Process& process, proxy::Worker& home, SurveyDone done);

}  // namespace tidegate::admin
