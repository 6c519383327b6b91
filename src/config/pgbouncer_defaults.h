// Everything that [pgbouncer] sets, gathered before the databases are read: the process, and what
// every upstream, route and user starts with.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/ini_file.h"
#include "config/problems.h"

namespace tidegate::config {

struct PgbouncerDefaults {
  Config config;
  Upstream upstream;
  Route route;
  User user;
  int max_db_connections = 0;  // 0 = no limit
  std::string unix_socket_dir = "/tmp";
};

// PgBouncer's own defaults first, then the entries of the section in their order.
PgbouncerDefaults read_pgbouncer_section(const std::vector<IniEntry>& entries, Problems& problems);

// server_lifetime: zero means "use once" to PgBouncer, and "never replace" to pool_recycle.
std::string translated_lifetime(const std::string& value);

}  // namespace tidegate::config
