#include "config/settings_tls.h"

#include "config/settings.h"

namespace tidegate::config {

Table<Config> tls_settings() {
  Table<Config> table;
  table
      .add("sslmode", ssl_mode(), field(&Config::client_ssl_mode),
           "`disable`: no TLS. `allow`, `prefer`: if the client asks (this is what a "
           "`cert_file` alone means). `require`: or be refused. `verify-ca`, `verify-full`: and "
           "with a client certificate.")
      .ini("client_tls_sslmode", "disable");
  add_tls_files(table, &Config::client_tls,
                {.cert_file = "cert_file",
                 .key_file = "key_file",
                 .ca_file = "ca_file",
                 .min_version = "min_version",
                 .ciphers = "ciphers",
                 .ciphersuites = "ciphersuites",
                 .ini_cert_file = "client_tls_cert_file",
                 .ini_key_file = "client_tls_key_file",
                 .ini_ca_file = "client_tls_ca_file",
                 .ini_ciphersuites = "client_tls13_ciphers"},
                {.cert_file = "The certificate that clients see (PEM). With TLS on and no file, a "
                              "self-signed one is made.",
                 .ca_file = "Who must have signed client certificates (PEM)."});
  return table;
}

}  // namespace tidegate::config
