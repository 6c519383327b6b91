// The settings that TLS has in common on both sides.
#pragma once

#include <string_view>

#include "config/setting.h"
#include "config/types.h"

namespace tidegate::config {

// Names as one table wants them: `cert_file` in [tls], `tls_cert_file` in [upstream.NAME].
struct TlsNames {
  std::string_view cert_file, key_file, ca_file, min_version, ciphers, ciphersuites;
  std::string_view ini_cert_file, ini_key_file, ini_ca_file, ini_ciphersuites;
};

// What the files are for depends on the side.
struct TlsDocs {
  std::string_view cert_file, ca_file;
};

template <typename Owner>
void add_tls_files(Table<Owner>& table, net::TlsSettings Owner::* tls, const TlsNames& names,
                   const TlsDocs& docs) {
  using net::TlsSettings;
  table.add(names.cert_file, path(), field(tls, &TlsSettings::cert_file), docs.cert_file)
      .ini(names.ini_cert_file);
  table
      .add(names.key_file, path(), field(tls, &TlsSettings::key_file),
           "The private key that belongs to the certificate (PEM).")
      .ini(names.ini_key_file);
  table.add(names.ca_file, path(), field(tls, &TlsSettings::ca_file), docs.ca_file)
      .ini(names.ini_ca_file);
  table.add(names.min_version,
            one_of<std::string>({{"1.2", std::string("1.2")}, {"1.3", std::string("1.3")}}),
            field(tls, &TlsSettings::min_version), "The oldest TLS version that is spoken.");
  table.add(names.ciphers, text(), field(tls, &TlsSettings::ciphers),
            "Ciphers of TLS 1.2, as OpenSSL writes them. Empty: OpenSSL's choice.");
  table
      .add(names.ciphersuites, text(), field(tls, &TlsSettings::ciphersuites),
           "Cipher suites of TLS 1.3. Empty: OpenSSL's choice.")
      .ini(names.ini_ciphersuites);
}

}  // namespace tidegate::config
