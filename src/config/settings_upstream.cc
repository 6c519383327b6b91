// Settings of one database (or service) and of the connections to it.
#include "config/settings.h"
#include "config/settings_tls.h"
#include "config/types.h"
#include "config/upstream_url.h"

namespace tidegate::config {
namespace {

using pool::UpstreamLimits;

constexpr int kServersMax = 10'000;

auto limit(auto member) {
  return field(&Upstream::limits, member);
}

// What a URL says is kept in the fields that the other settings stand for, so there is nothing
// of its own to print.
Setting<Upstream> url() {
  return {.name = "url",
          .kind = Kind::url,
          .accepts = "a postgres:// URL",
          .doc =
              "Host, user, password, database and TLS in one, as libpq reads it. The settings "
              "below override its parts.",
          .parse = apply_url,
          .print = [](const Upstream&) { return std::string(); }};
}

void add_address(Table<Upstream>& table) {
  table.add(url());
  table.add("host", hosts(), field(&Upstream::hosts),
            "The database server, or several hosts of it: see `load_balance_hosts`.");
  table.add("load_balance_hosts", host_order(), field(&Upstream::host_order),
            "Of several hosts `disable` connects to the first that answers, in the order in which "
            "they are written; `round-robin` begins with the next one each time. One that let "
            "nobody in is asked last for 30 s. In pgbouncer.ini a line of [databases] says it, and "
            "`round-robin` is the default.");
  table.add("user", text(), field(&Upstream::user),
            "Who logs in to the database. Empty: the client's own user, with its stored password.");
  table.add("password", secret(), field(&Upstream::password), "The password of `user`.");
  table.add("database", text(), field(&Upstream::database),
            "The name of the database. Empty: the one the client asked for.");
  table.add("parameters", parameters(), field(&Upstream::startup_parameters),
            "Sent with every login to the database, such as `search_path` or `options`.");
}

void add_limits(Table<Upstream>& table) {
  table.add("budget", integer(1, kServersMax), limit(&UpstreamLimits::budget),
            "Connections to this database over all routes, never exceeded: a connection counts "
            "from before it is opened until the database has closed its end. A process that starts "
            "does not know of those that an earlier one could not end: after a crash, or where the "
            "network broke them off.");
  table.add("opening_max", integer(1, kServersMax), limit(&UpstreamLimits::opening_max),
            "Logins to the database under way at once.");
  table.add("retry_first", duration(1ms), limit(&UpstreamLimits::retry_first),
            "Wait after the first failed login; doubled after every further one.");
  table
      .add("retry_max", duration(1ms), limit(&UpstreamLimits::retry_max),
           "Longest wait between two attempts.")
      .ini("server_login_retry", "15");
  table.add("overtake_max", integer(0, 1000), limit(&UpstreamLimits::overtake_max),
            "How many others a client may overtake when a server of its own worker comes free.");
  table.add("overtake_wait_max", duration(), limit(&UpstreamLimits::overtake_wait_max),
            "Nobody who has waited longer than this is overtaken.");
}

void add_timeouts(Table<Upstream>& table) {
  table
      .add("connect_timeout", duration(1ms), field(&Upstream::connect_timeout),
           "Longest time to connect and log in. Of several hosts or addresses each has a fair part "
           "of it to answer in.")
      .ini("server_connect_timeout", "15");
  table.add("close_timeout", duration(1ms), field(&Upstream::close_timeout),
            "Longest wait for the database to close its end.");
  table
      .add("cancel_timeout", duration(1ms), field(&Upstream::cancel_timeout),
           "Longest wait for a cancel, and for cleaning up after a client that left.")
      .ini("cancel_wait_timeout", "10");
  table
      .add("dns_ttl_max", duration(), field(&Upstream::dns_ttl_max),
           "Longest time an address from DNS is believed.")
      .ini("dns_max_ttl", "15");
}

void add_tls(Table<Upstream>& table) {
  table
      .add("sslmode", ssl_mode(), field(&Upstream::ssl_mode),
           "As in libpq, but once: `prefer` goes on without TLS where the database has none, not "
           "where the handshake or the login fails; `allow` goes without.")
      .ini("server_tls_sslmode", "prefer");
  table.add("channel_binding", boolean(), field(&Upstream::channel_binding),
            "Bind SCRAM logins to the TLS connection when the server offers it.");
  add_tls_files(table, &Upstream::tls,
                {.cert_file = "tls_cert_file",
                 .key_file = "tls_key_file",
                 .ca_file = "tls_ca_file",
                 .min_version = "tls_min_version",
                 .ciphers = "tls_ciphers",
                 .ciphersuites = "tls_ciphersuites",
                 .ini_cert_file = "server_tls_cert_file",
                 .ini_key_file = "server_tls_key_file",
                 .ini_ca_file = "server_tls_ca_file",
                 .ini_ciphersuites = "server_tls13_ciphers"},
                {.cert_file = "A certificate to show to the database (PEM).",
                 .ca_file = "Who must have signed the database's certificate (PEM), or `system`. "
                            "With `verify-ca` and `verify-full`, `system` when empty."});
}

}  // namespace

Table<Upstream> upstream_settings() {
  Table<Upstream> table;
  add_address(table);
  add_limits(table);
  add_timeouts(table);
  add_tls(table);
  return table;
}

}  // namespace tidegate::config
