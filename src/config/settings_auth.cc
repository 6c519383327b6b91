// Settings about who may log in.
#include "config/settings.h"
#include "config/types.h"

namespace tidegate::config {
namespace {

Type<AuthType> auth_type() {
  return one_of<AuthType>({{"stored", AuthType::any_stored},
                           {"scram-sha-256", AuthType::scram_sha_256},
                           {"md5", AuthType::md5},
                           {"cleartext", AuthType::cleartext},
                           {"trust", AuthType::trust},
                           {"anyone", AuthType::anyone}});
}

}  // namespace

Table<Config> auth_settings() {
  Table<Config> table;
  table.add("type", auth_type(), field(&Config::auth_type),
            "How a client proves its password. `stored`: by the best method that the stored "
            "secret allows. `trust`: not at all, if the user is known. `anyone`: not at all, and "
            "every route must name the user it logs in with.");
  table
      .add("file", path(), field(&Config::auth_file),
           "A file with one `\"user\" \"secret\"` per line, as PgBouncer has it.")
      .ini("auth_file");
  table.add("cleartext_over_plain", boolean(), field(&Config::cleartext_over_plain),
            "Accept a cleartext password without TLS.");
  return table;
}

Table<User> user_settings() {
  Table<User> table;
  table.add("password", secret(), field(&User::secret),
            "In clear, or the stored form that PostgreSQL keeps: `md5...` or "
            "`SCRAM-SHA-256$...`.");
  table.add("trust", boolean(), field(&User::trust),
            "Let this user in without a password. Never the default.");
  table
      .add("clients_max", unlimited_or(1'000'000), field(&User::clients_max),
           "Clients that may be logged in as this user.")
      .ini("max_user_client_connections", "0");
  return table;
}

}  // namespace tidegate::config
