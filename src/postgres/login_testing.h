// What the login tests stand on: chance that is written down, and ports that note every call. A
// port answers nothing by itself; the test does, as the proxy would in a later event.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "auth/scram.h"
#include "postgres/messages.h"
#include "session/conversation.h"

namespace tidegate::postgres::testing {

using Calls = std::vector<std::string>;

// First the bytes of the script, then 1, 2, 3, ...
class ScriptedEntropy : public Entropy {
 public:
  explicit ScriptedEntropy(ByteBuffer script = {}) : script_(std::move(script)) {}
  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = used_ < script_.size() ? script_[used_++] : ++counter_;
  }

 private:
  ByteBuffer script_;
  std::size_t used_ = 0;
  std::uint8_t counter_ = 0;
};

class NotedLog : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override {
    events.emplace_back(event);
  }
  bool enabled(LogLevel) const override { return true; }
  Calls events;
};

inline std::string hex(Bytes bytes) {
  std::string result;
  for (const auto byte : bytes) result += fmt::format("{:02x}", byte);
  return result;
}

class NotedClientPort : public session::ClientPort {
 public:
  std::string sent;
  Calls calls;
  bool has_tls = false;
  bool needs_tls = false;
  bool allows_cleartext = false;
  session::Destination destination;
  std::string introduced_as;

  void to_client(Bytes bytes) override { sent += as_text(bytes); }
  void close_client(Reason reason, session::Farewell how) override {
    calls.push_back(fmt::format("close {} {}", name(reason),
                                how == session::Farewell::flush ? "flush" : "now"));
  }
  bool tls_offered() const override { return has_tls; }
  bool tls_required() const override { return needs_tls; }
  bool cleartext_password_allowed() const override { return allows_cleartext; }
  void start_tls() override { calls.emplace_back("start_tls"); }
  void introduced(std::string_view user, std::string_view database) override {
    introduced_as = fmt::format("{}@{}", user, database);
  }
  void need_secret(std::string_view user, std::string_view database) override {
    calls.push_back(fmt::format("need_secret {} {}", user, database));
  }
  session::Destination admit(std::string_view user, std::string_view database) override {
    calls.push_back(fmt::format("admit {} {}", user, database));
    return destination;
  }
  void cancel_requested(std::uint32_t pid, Bytes key) override {
    calls.push_back(fmt::format("cancel {} {}", pid, hex(key)));
  }
  Log& log() override { return log_; }

  // A login has no business with these.
  void login_done(std::string_view) override { uncalled(); }
  std::uint32_t cancel_pid() override { return uncalled(), 0; }
  std::uint32_t cancel_key() override { return uncalled(), 0; }
  void want_server(HoldKind, FitTag) override { uncalled(); }
  void release_server() override { uncalled(); }
  void drop_server(Reason) override { uncalled(); }
  bool hold_changed(HoldKind, std::string_view) override { return uncalled(), false; }
  session::SnapshotRef snapshot() override { return uncalled(), nullptr; }
  void application_name_changed(std::string_view) override { uncalled(); }

 private:
  static void uncalled() { ADD_FAILURE() << "a call that does not belong to the login"; }
  NotedLog log_;
};

class NotedServerPort : public session::ServerPort {
 public:
  std::string sent;
  Calls calls;
  bool has_unix_socket = false;
  session::ServerRules login_rules = {.user = "alice", .database = "shop", .password = "tide"};
  NotedLog noted_log;
  ByteBuffer salt;  // of the last need_scram_keys()
  std::uint32_t iterations = 0;
  std::string failure;  // the detail of login_failed()
  session::Failure last_failure;

  void to_server(Bytes bytes) override { sent += as_text(bytes); }
  void start_tls() override { calls.emplace_back("start_tls"); }
  const session::ServerRules& rules() const override { return login_rules; }
  bool over_unix_socket() const override { return has_unix_socket; }
  void need_scram_keys(Bytes wanted_salt, std::uint32_t wanted_iterations) override {
    salt.assign(wanted_salt.begin(), wanted_salt.end());
    iterations = wanted_iterations;
    calls.emplace_back("need_scram_keys");
  }
  void login_failed(const session::Failure& why) override {
    const bool lasts = why.setback != Setback::passing;
    calls.push_back(fmt::format("failed {} {}", name(why.reason), lasts ? "fatal" : "transient"));
    failure = why.detail;
    last_failure = why;
  }
  Log& log() override { return noted_log; }

  // A login has no business with these.
  void login_done() override { uncalled(); }
  void verified() override { uncalled(); }
  void cleaned() override { uncalled(); }
  void broken(Reason, std::string_view) override { uncalled(); }

 private:
  static void uncalled() { ADD_FAILURE() << "a call that does not belong to the login"; }
};

inline session::ScramKeys derive_keys(std::string_view password, Bytes salt,
                                      std::uint32_t iterations) {
  const auto salted = auth::scram_salted_password(password, salt, iterations);
  return {auth::scram_client_key(salted), auth::scram_server_key(salted)};
}

inline std::string verifier_text(std::string_view password) {
  return auth::make_scram_verifier(password, as_bytes("sixteen salt byt"), 64).text();
}

// A text made by one of the writers of messages.h.
template <typename Writer, typename... Args>
std::string made_by(Writer writer, const Args&... args) {
  ByteBuffer out;
  writer(out, args...);
  return std::string(as_text(out));
}

inline std::string startup_packet(const Parameters& parameters) {
  ByteBuffer out;
  write_startup(out, parameters);
  return std::string(as_text(out));
}

}  // namespace tidegate::postgres::testing
