// Settings of the process as a whole: listening, limits over all clients, sockets, and the log.
#include "config/settings.h"
#include "config/types.h"

namespace tidegate::config {
namespace {

constexpr int kClientsMax = 1'000'000;
constexpr int kRoutesMax = 100'000;

// A unix socket's mode is kept with each address, and is one setting for all of them.
Setting<Config> unix_socket_mode() {
  const auto mode = octal_mode();
  return {
      .name = "unix_socket_mode",
      .kind = mode.kind,
      .accepts = mode.accepts,
      .doc = "File mode of unix sockets.",
      .ini_name = "unix_socket_mode",
      .ini_fallback = "0777",
      .needs_restart = true,
      .parse = [mode](Config& config, std::string_view text) -> std::expected<void, std::string> {
        const auto value = mode.parse(text);
        if (!value) return std::unexpected(value.error());
        for (auto& listen : config.listen) listen.unix_mode = *value;
        return {};
      },
      .print =
          [mode](const Config& config) {
            const auto first = config.listen.empty() ? Listen{} : config.listen.front();
            return mode.print(first.unix_mode);
          }};
}

void add_listening(Table<Config>& table) {
  table
      .add("listen", listen_addresses(), field(&Config::listen),
           "Where clients connect: addresses, host names and unix socket folders. `*` is every "
           "address, IPv4 and IPv6. Loopback unless written down.")
      .restart();
  table.add(unix_socket_mode());
  table
      .add("reuse_port", boolean(), field(&Config::reuse_port),
           "Let a second process, which has this setting too, listen on the same port: start it, "
           "then stop the first. The port is never closed, but see \"Restarting\" in errors.md for "
           "who is dismissed, and who may be lost.")
      .ini("so_reuseport", "0")
      .restart();
  table
      .add("tcp_defer_accept", boolean(), field(&Config::tcp_defer_accept),
           "Let the kernel keep a new connection to itself until its first bytes come, or for a "
           "second.")
      .ini("tcp_defer_accept", "1")
      .restart();
  table
      .add("workers", integer_or("auto", 256), field(&Config::workers),
           "Threads that serve clients; `auto` is one per processor.")
      .restart();
  table
      .add("pid_file", path(), field(&Config::pid_file),
           "Where to write the process id. Empty: nowhere.")
      .ini("pidfile")
      .restart();
}

void add_limits(Table<Config>& table) {
  table
      .add("clients_max", integer(1, kClientsMax), field(&Config::clients_max),
           "Clients of the whole process; one more is refused with an error.")
      .ini("max_client_conn", "100");
  table
      .add("client_login_timeout", duration(1ms), field(&Config::client_login_timeout),
           "Longest time a client may take to log in; 5 s when connections that do not log in hold "
           "all places at the door.")
      .ini("client_login_timeout", "60");
  table.add("routes_max", integer(1, kRoutesMax), field(&Config::routes_max),
            "Routes (database and user) that `[route.\"*\"]` may have made at once. One "
            "without client and server gives way to a new one, and its statistics with it, before "
            "a client is refused.");
  table
      .add("route_idle_timeout", duration(), field(&Config::route_idle_timeout),
           "After that long without client and server, a route that `[route.\"*\"]` has made for a "
           "database name is forgotten, and its statistics with it. 0: never.")
      .ini("autodb_idle_timeout", "3600");
  table.add("shutdown_timeout", duration(), field(&Config::shutdown_timeout),
            "After SIGTERM, longest wait for open transactions and pinned clients; then they are "
            "told 57P01 and closed. 0: as long as they take.");
  table
      .add("stats_period", duration(1s), field(&Config::stats_period),
           "Length of the period that SHOW STATS averages over.")
      .ini("stats_period", "60");
  table
      .add("admin_users", names(), field(&Config::admin_users),
           "Users who may do everything on the virtual databases `tidegate` and `pgbouncer`.")
      .ini("admin_users");
  table
      .add("stats_users", names(), field(&Config::stats_users),
           "Users who may look (SHOW) but not change anything there.")
      .ini("stats_users");
}

void add_sockets(Table<Config>& table) {
  table
      .add("tcp_keepalive", boolean(), field(&Config::tcp_keepalive),
           "Ask the kernel to find connections whose other end is gone.")
      .ini("tcp_keepalive", "1");
  table
      .add("tcp_keepalive_idle", whole_seconds(), field(&Config::tcp_keepalive_idle_s),
           "Silence before the first probe. 0: the kernel's own value.")
      .ini("tcp_keepidle", "0");
  table
      .add("tcp_keepalive_interval", whole_seconds(), field(&Config::tcp_keepalive_interval_s),
           "Time between probes. 0: the kernel's own value.")
      .ini("tcp_keepintvl", "0");
  table
      .add("tcp_keepalive_count", integer(0, 127), field(&Config::tcp_keepalive_count),
           "Unanswered probes until the connection is given up. 0: the kernel's own value.")
      .ini("tcp_keepcnt", "0");
  table.add("tcp_user_timeout", duration(), field(&Config::tcp_user_timeout),
            "Longest time sent bytes may stay unacknowledged. 0: the kernel's own value.");
}

}  // namespace

Table<Config> process_settings() {
  Table<Config> table;
  add_listening(table);
  add_limits(table);
  add_sockets(table);
  return table;
}

Table<Config> log_settings() {
  Table<Config> table;
  table.add("level", log_level(), field(&Config::log_level),
            "The least important event that is written.");
  table.add("format", one_of<bool>({{"logfmt", false}, {"json", true}}), field(&Config::log_json),
            "How a line is written: `key=value` pairs, or one JSON object.");
  table.add("file", path(), field(&Config::log_file), "Where to. Empty: standard error.")
      .ini("logfile");
  table
      .add("connections", boolean(), field(&Config::log_connections),
           "Whether logins and departures of clients are events.")
      .ini("log_connections", "1");
  return table;
}

}  // namespace tidegate::config
