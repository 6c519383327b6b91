// A whole configuration as typed values, whichever file or command line it came from. Plain data:
// it is compared field by field at a reload. The defaults are the ones written here; the rest of
// what there is to know about a field (its values, its name in pgbouncer.ini, its sentence in the
// manual) stands in the settings tables (settings.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hold.h"
#include "base/log.h"
#include "base/time.h"
#include "net/address.h"
#include "net/tls.h"
#include "pool/pool.h"
#include "session/conversation.h"

namespace tidegate::config {

// One user that may log in. `secret` is cleartext, "md5..." or "SCRAM-SHA-256$...".
struct User {
  std::string name;
  std::string secret;
  bool trust = false;   // written down: no password is asked
  int clients_max = 0;  // 0 = no limit
  bool operator==(const User&) const = default;
};

// Which of several hosts the next connection asks first.
enum class HostOrder : std::uint8_t {
  as_written,  // the first one, and the others where it does not answer
  in_turn,     // each time the next
};

// One database server (or service) and the hard budget of connections to it.
struct Upstream {
  std::string name;
  std::vector<net::Target> hosts;
  HostOrder host_order = HostOrder::as_written;
  net::SslMode ssl_mode = net::SslMode::prefer;
  net::TlsSettings tls;
  std::string user;  // empty: the client's own user and secret
  std::string password;
  std::string database;         // empty: the route's or client's database name
  bool channel_binding = true;  // use SCRAM-SHA-256-PLUS when the server offers it
  // Already among the startup_parameters of every route to here, which is where to read them.
  std::vector<std::pair<std::string, std::string>> startup_parameters;
  pool::UpstreamLimits limits;
  Duration connect_timeout{15s};
  Duration close_timeout{5s};    // longest wait for the database to close its end
  Duration cancel_timeout{10s};  // longest wait for a cancel, and for cleaning up after a client
  Duration dns_ttl_max{15s};
  bool operator==(const Upstream&) const = default;
};

// The name of a database as clients know it -> upstream + database + sizes. "*" matches any name.
struct Route {
  std::string database;
  std::string upstream;
  std::string server_database;  // the upstream's when it has one; empty: the name asked for
  std::string server_user;      // empty: the upstream's, else the client's
  std::string server_password;
  pool::RouteLimits limits;
  session::RouteRules rules;
  int clients_max = 0;  // 0 = no limit
  std::vector<std::pair<std::string, std::string>> startup_parameters;
  bool operator==(const Route&) const = default;
};

struct Listen {
  std::string host = "127.0.0.1";  // address, "*", or a unix directory ("/run/x", "@abstract")
  int port = 6432;
  int unix_mode = 0777;
  bool operator==(const Listen&) const = default;
};

enum class AuthType : std::uint8_t {
  scram_sha_256,
  md5,  // a stored SCRAM key is used for SCRAM all the same, as PgBouncer does
  cleartext,
  trust,       // no password, but the user must be known
  anyone,      // no password and no known user; every route logs in with a user of its own
  any_stored,  // the best that the stored secret allows
};

struct Config {
  std::string file;  // where all this was read from; empty: the command line
  std::vector<Listen> listen;
  bool reuse_port = false;
  bool tcp_defer_accept = true;
  int workers = 0;          // 0 = one per processor
  int clients_max = 10000;  // max_client_conn
  Duration client_login_timeout{60s};
  int routes_max = 1000;              // of those that "*" has made
  Duration route_idle_timeout{600s};  // the same; 0 = never

  AuthType auth_type = AuthType::any_stored;
  std::string auth_file;
  std::vector<User> users;            // written out, then those of auth_file
  bool cleartext_over_plain = false;  // a cleartext password may come without TLS

  net::SslMode client_ssl_mode = net::SslMode::disable;
  net::TlsSettings client_tls;  // no files: a self-signed certificate is made

  std::vector<Upstream> upstreams;
  std::vector<Route> routes;
  std::vector<std::string> admin_users;
  std::vector<std::string> stats_users;

  Duration stats_period{60s};
  Duration shutdown_timeout{20s};  // 0 = as long as transactions take
  Duration tcp_user_timeout{0};
  bool tcp_keepalive = true;
  int tcp_keepalive_idle_s = 0;
  int tcp_keepalive_interval_s = 0;
  int tcp_keepalive_count = 0;

  LogLevel log_level = LogLevel::info;
  bool log_json = false;
  std::string log_file;  // empty = standard error
  bool log_connections = true;

  std::string pid_file;
  bool operator==(const Config&) const = default;
};

}  // namespace tidegate::config
