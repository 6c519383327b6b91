// From files, URLs and the environment to a Config, with problems that name line and column.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "net/address.h"

namespace tidegate::config {

enum class Severity : std::uint8_t { warning, error };

struct Problem {
  Severity severity = Severity::error;
  std::string file;
  int line = 0;  // 1-based; 0 = not tied to a line
  int column = 0;
  std::string text;  // what is wrong and what would be right ("unknown key `pool_sise`: did you
                     // mean `pool_size`?")
  std::string format() const;  // "tidegate.toml:3:1: error: ..."
};

struct Loaded {
  Config config;
  std::vector<Problem>
      problems;  // warnings, and errors; with any error the config must not be used
  bool usable() const;
};

// What loading may touch; a test hands in its own.
struct Sources {
  std::function<std::expected<std::string, std::string>(const std::string& path)> read_file;
  std::function<std::optional<std::string>(const std::string& name)> environment;
  // Whether files that are used later can be: certificates and keys of either side, and a file that
  // is to be written (the error completes "the file ..."). Not set: nobody looks.
  std::function<std::vector<net::TlsTrouble>(const net::TlsSettings&, bool towards_clients)>
      check_tls = nullptr;
  std::function<std::expected<void, std::string>(const std::string& path)> may_write = nullptr;
  // The addresses that it stands for on this machine, or why one cannot listen there, as a
  // sentence: looks names up.
  std::function<std::expected<std::vector<net::Address>, std::string>(const Listen&)>
      listen_addresses = nullptr;
  static Sources real();
};

// By what the file is: *.ini is PgBouncer's format, everything else TOML.
Loaded load_file(const std::string& path, const Sources& sources);
Loaded load_toml(std::string_view text, const std::string& file, const Sources& sources);
Loaded load_pgbouncer_ini(std::string_view text, const std::string& file, const Sources& sources);
// `--upstream postgres://user:pw@host/db?sslmode=...`: no file; clients must present that URL's
// user and password; listens on loopback.
Loaded load_upstream_url(const std::string& url, const Sources& sources);

// PgBouncer's auth_file: "user" "secret" per line. `warnings`: of secrets that let nobody in.
std::expected<std::vector<User>, Problem> parse_auth_file(std::string_view text,
                                                          const std::string& file,
                                                          std::vector<Problem>* warnings = nullptr);

// Rows of SHOW CONFIG: key, value, default, changeable.
struct ConfigRow {
  std::string key, value, fallback;
  bool changeable = false;
};
std::vector<ConfigRow> show(const Config& config);
// The manual of every setting, as Markdown (docs/settings.md is generated from it).
std::string manual();

}  // namespace tidegate::config
