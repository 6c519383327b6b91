// Settings of a pool: how many servers a route may have, how long clients wait, how long servers
// live. They stand in [pool] for every route and in [route.NAME] for one.
#include "config/settings.h"
#include "config/types.h"

namespace tidegate::config {
namespace {

using pool::RouteLimits;
using session::RouteRules;

constexpr int kServersMax = 10'000;
constexpr int kWaitingMax = 1'000'000;

auto limit(auto member) {
  return field(&Route::limits, member);
}
auto rule(auto member) {
  return field(&Route::rules, member);
}

void add_sizes(Table<Route>& table) {
  table
      .add("pool_mode", pool_mode(), rule(&RouteRules::mode),
           "When a client gives its server back: after each transaction, when it leaves, or "
           "after each statement.")
      .ini("pool_mode", "session");
  table
      .add("pool_size", integer(1, kServersMax), limit(&RouteLimits::pool_size),
           "Servers of a route (database and user).")
      .ini("default_pool_size", "20");
  table
      .add("max_overflow", integer(0, kServersMax), limit(&RouteLimits::max_overflow),
           "Servers beyond `pool_size` while clients wait; closed as soon as they are idle.")
      .ini("reserve_pool_size", "0");
  table
      .add("min_idle", integer(0, kServersMax), limit(&RouteLimits::min_idle),
           "Servers kept open although nobody asks. 0 lets a serverless database fall asleep.")
      .ini("min_pool_size", "0");
  table.add("pins_max", integer_or("auto", kServersMax), limit(&RouteLimits::pins_max),
            "Servers that pinned clients may hold past their transactions; `auto` is one less "
            "than `pool_size`, and over all routes of an upstream one less than its `budget`.");
}

void add_waiting(Table<Route>& table) {
  table.add("queue_max", integer(0, kWaitingMax), limit(&RouteLimits::queue_max),
            "Clients of the route that may wait for a server that others have.");
  table
      .add("pool_timeout", duration(), limit(&RouteLimits::pool_timeout),
           "Longest wait for a server, then an error. 0: no limit.")
      .ini("query_wait_timeout", "120");
  table.add("shed", boolean(), limit(&RouteLimits::shed),
            "Under lasting overload, refuse some clients early instead of letting all time out. "
            "With a pgbouncer.ini nobody is shed.");
  table.add("shed_target", duration_or("auto"), limit(&RouteLimits::shed_target),
            "Overload is when every client waits longer than this; `auto` is a quarter of "
            "`pool_timeout`. Who has waited twice as long is refused ...");
  table.add("shed_interval", duration(1ms), limit(&RouteLimits::shed_interval),
            "... once that has lasted for this long.");
}

void add_lifetimes(Table<Route>& table) {
  table
      .add("pool_recycle", duration(), limit(&RouteLimits::recycle),
           "Age at which an idle server is replaced. 0: never.")
      .ini("server_lifetime", "3600");
  table.add("pool_recycle_jitter_percent", integer(0, 100),
            limit(&RouteLimits::recycle_jitter_percent),
            "How much earlier some are replaced, so that they do not all go at once.");
  table
      .add("idle_timeout", duration(), limit(&RouteLimits::idle_timeout),
           "Idle time after which a server is closed. 0: never.")
      .ini("server_idle_timeout", "600");
  table.add("pool_pre_ping", boolean(), limit(&RouteLimits::pre_ping),
            "See whether a server that was idle for `ping_after` still answers before a client "
            "gets it.");
  table
      .add("ping_after", duration(), limit(&RouteLimits::ping_after),
           "Idle time after which `pool_pre_ping` asks.")
      .ini("server_check_delay", "30");
  table.add(
      "ping_timeout", duration(1ms), limit(&RouteLimits::ping_timeout),
      "Longest wait for that answer. A server that gives none is closed, and with it all that "
      "were idle for `ping_after`; its client gets another one.");
  table.add("lifo", boolean(), limit(&RouteLimits::lifo),
            "Reuse the server that was used last, so that the others can fall idle; false: each "
            "in turn.");
}

void add_statements(Table<Route>& table) {
  table
      .add("server_statements_max", integer(1, 100'000), rule(&RouteRules::server_statements_max),
           "Prepared statements kept on one server; the least recently used goes first.")
      .ini("max_prepared_statements", "200");
  table.add("client_statements_max", integer(1, 100'000), rule(&RouteRules::client_statements_max),
            "Prepared statements one client may hold.");
  table.add("client_statement_bytes_max", bytes(1024, 1 << 30),
            rule(&RouteRules::client_statement_bytes_max),
            "The texts of these, added up; what other clients prepare too counts in full.");
  table.add("statement_bytes_max", bytes(1024, 64 << 20), rule(&RouteRules::statement_bytes_max),
            "Longer statements are not shared between servers: their client is pinned.");
  table.add("share_unnamed_for", duration(), rule(&RouteRules::share_unnamed_for),
            "How long a statement that was prepared under no name serves the next client that "
            "prepares the same, which saves PostgreSQL its reading and planning. DDL made past "
            "Tidegate is unknown to them for so long. 0: every client's is prepared anew.");
  table.add("pins_allowed", boolean(), rule(&RouteRules::pins_allowed),
            "Whether a client may keep its server for what cannot move to another one (temporary "
            "tables, advisory locks). false: such a statement is refused.");
  table.add("notification_bytes_max", bytes(16 * 1024, 1 << 30),
            rule(&RouteRules::notification_bytes_max),
            "Notifications kept for a client that listens and cannot be told yet, in a transaction "
            "or because it does not read; with more its connection is ended.");
}

}  // namespace

Table<Route> pool_settings() {
  Table<Route> table;
  add_sizes(table);
  add_waiting(table);
  add_lifetimes(table);
  add_statements(table);
  return table;
}

Table<Route> route_settings() {
  Table<Route> table;
  table.add("upstream", text(), field(&Route::upstream),
            "Where its servers are. May be left out when there is one upstream.");
  table.add("database", text(), field(&Route::server_database),
            "The name of the database there. Empty: the upstream's, else the name that the client "
            "asked for.");
  table.add("user", text(), field(&Route::server_user),
            "Who logs in to the database. Empty: as the upstream says.");
  table.add("password", secret(), field(&Route::server_password), "The password of `user`.");
  table
      .add("clients_max", unlimited_or(1'000'000), field(&Route::clients_max),
           "Clients of this database.")
      .ini("max_db_client_connections", "0");
  table.add("parameters", parameters(), field(&Route::startup_parameters),
            "Sent with every login to the database, such as `search_path` or `options`.");
  return table;
}

}  // namespace tidegate::config
