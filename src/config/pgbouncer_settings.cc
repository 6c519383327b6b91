#include "config/pgbouncer_settings.h"

#include <algorithm>

namespace tidegate::config {
namespace {

using enum Fate;

constexpr std::string_view kNoAuthQuery = "users are read from `auth_file` and [users] only";
constexpr std::string_view kNoIdleLimits =
    "clients and transactions are not ended for being idle or slow; PostgreSQL can do it itself "
    "(`statement_timeout`, `idle_in_transaction_session_timeout`)";
constexpr std::string_view kTracked =
    "what a session changed is tracked, and undone where it must be";
constexpr std::string_view kPerUser = "limits are set per database, not per user";

constexpr PgbouncerSetting kSettings[] = {
    {"listen_addr", "", translated, "`listen`"},
    {"listen_port", "6432", translated, "`listen`"},
    {"unix_socket_dir", "/tmp", translated, "`listen`"},
    {"unix_socket_group", "", missing, "use a folder that only the group can enter"},
    {"listen_backlog", "128", needless, "the kernel's own limit"},
    {"tcp_socket_buffer", "0", needless, ""},
    {"tcp_user_timeout", "0", translated, "`tcp_user_timeout`; milliseconds in the ini"},
    {"user", "", missing, "start Tidegate as the user it should run as"},
    {"job_name", "pgbouncer", needless, ""},
    {"service_name", "pgbouncer", needless, ""},
    {"peer_id", "0", missing, "several processes do not forward cancels to each other"},
    {"resolv_conf", "", missing, "the system's own resolver configuration is used"},

    {"reserve_pool_timeout", "5", missing,
     "reserve servers (`max_overflow`) are opened as soon as clients wait"},
    {"max_db_connections", "0", translated, "the `budget` of an upstream of its own"},
    {"max_user_connections", "0", missing, kPerUser},
    {"server_round_robin", "0", translated, "`lifo = false`"},
    {"pool_idle_timeout", "0", needless, ""},

    {"track_extra_parameters", "IntervalStyle", needless, "every reported parameter is tracked"},
    {"ignore_startup_parameters", "", needless, "every parameter of PostgreSQL is accepted"},
    {"disable_pqexec", "0", missing, "simple queries are allowed"},
    {"application_name_add_host", "0", missing, "application names stay as clients write them"},
    {"max_packet_size", "2147483647", missing, "large messages are streamed, never held"},
    {"pkt_buf", "4096", needless, ""},
    {"sbuf_loopcnt", "5", needless, ""},

    {"auth_type", "md5", translated, "`auth.type`"},
    {"auth_hba_file", "", needless, "only read with `auth_type = hba`"},
    {"auth_ident_file", "", needless, "only read with `auth_type = hba`"},
    {"auth_user", "", missing, kNoAuthQuery},
    {"auth_query",
     "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END FROM "
     "pg_authid WHERE rolname=$1 AND rolcanlogin",
     missing, kNoAuthQuery},
    {"auth_dbname", "", missing, kNoAuthQuery},
    {"auth_ldap_options", "", needless, "only read with `auth_type = ldap`"},
    {"scram_iterations", "4096", missing, "secrets in clear are proved with 4096 iterations"},

    {"server_reset_query", "DISCARD ALL", missing, kTracked},
    {"server_reset_query_always", "0", missing, kTracked},
    {"server_check_query", "<empty>", translated, "`pool_pre_ping`; off when empty"},
    {"server_fast_close", "0", missing, "servers are closed at the end of a transaction"},
    {"login_notify_message", "", missing, "no notice is sent at login"},
    {"query_wait_notify", "5", missing, "no notice is sent to a client that waits"},
    {"query_timeout", "0", missing, kNoIdleLimits},
    {"client_idle_timeout", "0", missing, kNoIdleLimits},
    {"idle_transaction_timeout", "0", missing, kNoIdleLimits},
    {"transaction_timeout", "0", missing, kNoIdleLimits},
    {"suspend_timeout", "10", needless, ""},
    {"dns_nxdomain_ttl", "15", needless, ""},
    {"dns_zone_check_period", "0", needless, ""},

    {"client_tls_protocols", "secure", translated, "`tls.min_version`"},
    {"client_tls_ciphers", "default", translated, "`tls.ciphers`"},
    {"client_tls_ecdhcurve", "auto", needless, "OpenSSL's choice"},
    {"client_tls_dheparams", "auto", needless, "OpenSSL's choice"},
    {"server_tls_protocols", "secure", translated, "`tls_min_version`"},
    {"server_tls_ciphers", "default", translated, "`tls_ciphers`"},

    {"syslog", "0", missing, "the log goes to `logfile` or standard error"},
    {"syslog_ident", "pgbouncer", needless, ""},
    {"syslog_facility", "daemon", needless, ""},
    {"log_disconnections", "1", needless, "goes with `log_connections`"},
    {"log_pooler_errors", "1", missing, "errors are always logged"},
    {"log_stats", "1", needless, "SHOW STATS has them"},
    {"verbose", "0", translated, "`log.level = \"debug\"`"},
};

constexpr PgbouncerSetting kDatabaseKeys[] = {
    {"host", "", translated, "`host` of an upstream"},
    {"port", "5432", translated, "`host` of an upstream"},
    {"dbname", "", translated, "`database` of the route"},
    {"user", "", translated, "`user` of the route"},
    {"password", "", translated, "`password` of the route"},
    {"pool_size", "", translated, "`pool_size`"},
    {"min_pool_size", "", translated, "`min_idle`"},
    {"reserve_pool_size", "", translated, "`max_overflow`"},
    {"reserve_pool", "", translated, "`max_overflow`"},
    {"pool_mode", "", translated, "`pool_mode`"},
    {"query_wait_timeout", "", translated, "`pool_timeout`"},
    {"server_lifetime", "", translated, "`pool_recycle`"},
    {"max_db_connections", "", translated, "the `budget` of an upstream of its own"},
    {"max_db_client_connections", "", translated, "`clients_max`"},
    {"client_encoding", "", translated, "`parameters` of the route"},
    {"datestyle", "", translated, "`parameters` of the route"},
    {"timezone", "", translated, "`parameters` of the route"},
    {"application_name", "", translated, "`parameters` of the route"},
    {"connect_query", "", missing, "no query is run after connecting"},
    {"load_balance_hosts", "round-robin", translated, "`load_balance_hosts` of an upstream"},
    {"auth_user", "", missing, kNoAuthQuery},
    {"auth_query", "", missing, kNoAuthQuery},
    {"auth_dbname", "", missing, kNoAuthQuery},
};

constexpr PgbouncerSetting kUserKeys[] = {
    {"max_user_client_connections", "0", translated, "`clients_max` of the user"},
    {"pool_size", "", missing, kPerUser},
    {"reserve_pool_size", "", missing, kPerUser},
    {"pool_mode", "", missing, "the mode is set per database, not per user"},
    {"max_user_connections", "0", missing, kPerUser},
    {"query_timeout", "0", missing, kNoIdleLimits},
    {"query_wait_timeout", "", missing, kPerUser},
    {"idle_transaction_timeout", "0", missing, kNoIdleLimits},
    {"transaction_timeout", "0", missing, kNoIdleLimits},
    {"client_idle_timeout", "0", missing, kNoIdleLimits},
};

}  // namespace

std::span<const PgbouncerSetting> pgbouncer_settings() {
  return kSettings;
}
std::span<const PgbouncerSetting> pgbouncer_database_keys() {
  return kDatabaseKeys;
}
std::span<const PgbouncerSetting> pgbouncer_user_keys() {
  return kUserKeys;
}

const PgbouncerSetting* find(std::span<const PgbouncerSetting> settings, std::string_view name) {
  const auto found =
      std::find_if(settings.begin(), settings.end(),
                   [&](const PgbouncerSetting& setting) { return setting.name == name; });
  return found == settings.end() ? nullptr : &*found;
}

}  // namespace tidegate::config
