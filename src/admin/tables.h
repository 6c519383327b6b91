// The tables of the console, in PgBouncer 1.25's columns and their order; what is ours stands
// behind them. Pure: findings in, table out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/survey.h"
#include "config/load.h"
#include "pool/pool.h"
#include "session/table.h"

namespace tidegate::admin {

// One pool with what the survey and its policy know of it.
struct PoolRow {
  std::string database, user, mode;
  int clients_active = 0, clients_waiting = 0;
  pool::RouteCounts counts;
  int used = 0;     // idle for so long that they are checked before use
  int cancels = 0;  // requests on their way to servers
  int cancelled = 0, tested = 0;
  std::optional<config::HostOrder> host_order;  // of several hosts
  Duration wait_max{0};
};

session::Table clients_table(const Findings& findings);
session::Table servers_table(const Findings& findings);
session::Table pools_table(const std::vector<PoolRow>& pools);
session::Table config_table(const std::vector<config::ConfigRow>& rows);
session::Table version_table(const std::string& version);

// Totals per database, and what they were at both ends of the period that the averages are of.
struct DatabaseTraffic {
  session::Traffic total;
  proxy::Route::Period period;
};
session::Table stats_totals_table(const std::map<std::string, DatabaseTraffic>& databases);
session::Table stats_averages_table(const std::map<std::string, DatabaseTraffic>& databases,
                                    Duration period);
session::Table stats_table(const std::map<std::string, DatabaseTraffic>& databases,
                           Duration period);

// Tidegate's own tables.
session::Table workers_table(std::vector<WorkerRow> workers);
session::Table pins_table(const Findings& findings);
struct UpstreamRow {
  std::string name;
  int budget = 0, servers = 0;
  pool::PoolTotals totals;
};
session::Table upstreams_table(const std::vector<UpstreamRow>& upstreams);

struct DatabaseRow {
  std::string name, host, database, mode, forced_user;
  int port = 0, pool_size = 0, min_idle = 0, overflow = 0, budget = 0, servers = 0, clients_max = 0,
      clients = 0;
  std::optional<config::HostOrder> host_order;
  Duration lifetime{0};
};
session::Table databases_table(const std::vector<DatabaseRow>& rows);
session::Table lists_table(const std::vector<std::pair<std::string, std::int64_t>>& counts);

}  // namespace tidegate::admin
