// Golden conversations: what a login looks like on the wire, read from a text file. The notation is
// explained in tests/conformance/postgres/login/README.md.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "postgres/golden_notation_testing.h"
#include "postgres/login_testing.h"

namespace tidegate::postgres::testing {

struct Golden {
  struct Run {
    char side = 'C';
    std::string bytes;
  };
  std::vector<Run> runs;        // C and S in turn
  std::size_t client_runs = 0;  // so many are ClientLogin's part

  session::ServerRules rules = {.user = "ann", .database = "shop"};
  session::Secret secret = {.known = true};
  ByteBuffer client_entropy;
  ByteBuffer server_entropy;
  bool tls_offered = false;
  bool tls_stalls = false;
  std::string direct_tls;  // the ALPN name; empty = no TLS from the first byte
  mutable std::optional<session::ScramKeys> keys;  // derived once for all replays
  std::string client_login_ends;                   // empty: the file says nothing about ClientLogin
  std::string server_login_ends;
};

inline void read_secret(const std::string& value, session::Secret& secret) {
  const auto kind = value.substr(0, value.find(' '));
  const auto text = value.substr(std::min(value.size(), kind.size() + 1));
  if (kind == "trust") secret.trust = true;
  if (kind == "scram") secret.scram_verifier = text;
  if (kind == "md5") secret.md5 = text;
  if (kind == "cleartext") secret.password = text;
}

inline void read_knowledge(const std::string& line, Golden& golden) {
  const auto key = line.substr(0, line.find(' '));
  const auto value = line.substr(std::min(line.size(), key.size() + 1));
  auto& rules = golden.rules;
  if (key == "user") {
    rules.user = value;
  } else if (key == "database") {
    rules.database = value;
  } else if (key == "password") {
    rules.password = value;
  } else if (key == "startup") {
    const auto blank = value.find(' ');
    rules.startup_parameters.emplace_back(value.substr(0, blank), value.substr(blank + 1));
  } else if (key == "secret") {
    read_secret(value, golden.secret);
  } else if (key == "unknown-user") {
    golden.secret.known = false;
  } else if (key == "client-entropy") {
    golden.client_entropy = bytes_of_hex(value);
  } else if (key == "server-entropy") {
    golden.server_entropy = bytes_of_hex(value);
  } else if (key == "tls-wanted") {
    rules.tls_wanted = true;
  } else if (key == "tls-required") {
    rules.tls_required = true;
  } else if (key == "cleartext-allowed") {
    rules.cleartext_allowed = true;
  } else if (key == "tls-offered") {
    golden.tls_offered = true;
  } else if (key == "tls-stalls") {
    golden.tls_stalls = true;
  } else if (key == "direct-tls") {
    golden.direct_tls = value;
  } else if (line.starts_with("ClientLogin ends ")) {
    golden.client_login_ends = line.substr(17);
  } else if (line.starts_with("ServerLogin ends ")) {
    golden.server_login_ends = line.substr(17);
  } else {
    ADD_FAILURE() << "not understood: " << line;
  }
}

inline Golden read_golden(const std::string& path) {
  Golden golden;
  std::ifstream file(path);
  bool after_relay_begins = false;
  bool talking = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    if (line == "--") {
      after_relay_begins = true;
      golden.client_runs = golden.runs.size();
    } else if (line.empty()) {
      talking = true;
    } else if (!talking) {
      read_knowledge(line, golden);
    } else {
      const bool same_run = !golden.runs.empty() && golden.runs.back().side == line[0] &&
                            golden.client_runs < golden.runs.size();
      if (!same_run) golden.runs.push_back({line[0], ""});
      golden.runs.back().bytes += bytes_of_tokens(line.substr(1));
    }
  }
  if (!after_relay_begins) golden.client_runs = golden.runs.size();
  return golden;
}

}  // namespace tidegate::postgres::testing
