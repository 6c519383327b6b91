// The tables of the console, in PgBouncer 1.25's columns and their order; what is ours stands
// behind them. Pure: findings in, table out.
#pragma once

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
  int cancelling = 0, tested = 0;
  Duration wait_max{0};
};

session::Table clients_table(const Findings& findings);
session::Table servers_table(const Findings& findings);
session::Table pools_table(const std::vector<PoolRow>& pools);
session::Table config_table(const std::vector<config::ConfigRow>& rows);
session::Table version_table(const std::string& version);

// Totals per database now, and what they were when the averages' period began.
struct DatabaseTraffic {
  std::string database;
  session::Traffic total, before;
  Duration period{0};
};
session::Table stats_table(const std::vector<DatabaseTraffic>& databases);

struct DatabaseRow {
  std::string name, host, database, mode, forced_user;
  int port = 0, pool_size = 0, min_idle = 0, overflow = 0, budget = 0, servers = 0, clients_max = 0,
      clients = 0;
  Duration lifetime{0};
};
session::Table databases_table(const std::vector<DatabaseRow>& rows);
session::Table lists_table(const std::vector<std::pair<std::string, std::int64_t>>& counts);

}  // namespace tidegate::admin
