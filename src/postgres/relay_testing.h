// What the relay's tests stand on: writers of requests, a reader that prints replies in one line,
// a client that speaks to the fake PostgreSQL directly, and a rig in which clients reach several
// fake servers through the real conversations, with the servers handed out in turn.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "../tests/support/fake_postgres.h"
#include "postgres/client_conversation.h"
#include "postgres/conversations.h"
#include "postgres/server_conversation.h"

namespace tidegate::postgres::testing {

using tidegate::testing::FakeDatabase;
using tidegate::testing::FakePostgres;

// --- Requests ---
std::string frame(char type, std::string_view body);
std::string query(std::string_view text);
std::string parse(std::string_view name, std::string_view text);
std::string binding(std::string_view portal, std::string_view name,
                    std::string_view parameter = {});
std::string describe(char kind, std::string_view name);
std::string execute(std::string_view portal = {}, int rows_max = 0);
std::string close(char kind, std::string_view name);
std::string sync();
std::string flush();
std::string startup(std::vector<std::pair<std::string, std::string>> parameters = {});

// Replies in one line, such as "12T[c]D[1]C[SELECT 1]Z[I]".
std::string print(std::string_view replies);

class DirectClient {
 public:
  explicit DirectClient(FakeDatabase& database,
                        std::vector<std::pair<std::string, std::string>> parameters = {})
      : server_(database) {
    server_.take(startup(std::move(parameters)));
  }
  void send(std::string_view requests) { received_ += server_.take(requests); }
  std::string answers() { return print(std::exchange(received_, {})); }
  FakePostgres& server() { return server_; }

 private:
  FakePostgres server_;
  std::string received_;
};

class ScriptedEntropy : public Entropy {
 public:
  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = ++last_;
  }

 private:
  std::uint8_t last_ = 0;
};

class SilentLog : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool enabled(LogLevel) const override { return false; }
};

class Rig;

// A server of the rig: the conversation, its port, and the fake behind it.
class TestServer : public session::ServerPort {
 public:
  TestServer(Rig& rig, std::uint32_t process_id);

  void to_server(Bytes bytes) override { outgoing += as_text(bytes); }
  void start_tls() override { ADD_FAILURE(); }
  const session::ServerRules& rules() const override { return rules_; }
  void need_scram_keys(Bytes, std::uint32_t) override { ADD_FAILURE(); }
  void login_done() override { ++logins; }
  void login_failed(const session::Failure&) override { ADD_FAILURE(); }
  void verified() override { ++verifications; }
  void cleaned() override { ++cleanings; }
  void broken(Reason reason, std::string_view why) override {
    broken_by = reason;
    broken_detail = why;
  }
  session::SnapshotRef snapshot() override;
  bool replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) override;
  Log& log() override { return log_; }

  FakePostgres fake;
  std::unique_ptr<ServerConversation> conversation;
  std::string outgoing;  // not yet read by the fake
  std::string incoming;  // not yet read by the conversation
  int writes = 0;
  int logins = 0;
  int verifications = 0;
  int cleanings = 0;
  Reason broken_by = Reason::none;
  std::string broken_detail;
  bool taken = false;
  bool mute = false;  // the fake does not answer: replies stay where they are
  bool deaf = false;  // the fake hears nothing: what was written stays in `outgoing`

 private:
  Rig& rig_;
  session::ServerRules rules_;
  SilentLog log_;
};

// A client of the rig; events that a port call asks for come in a later step, as from the proxy.
class TestClient : public session::ClientPort {
 public:
  explicit TestClient(Rig& rig);

  void to_client(Bytes bytes) override {
    received += as_text(bytes);
    ++writes;
  }
  void close_client(Reason reason, session::Farewell) override {
    EXPECT_EQ(closed_by, Reason::none) << "closed twice";
    closed_by = reason;
  }
  bool tls_offered() const override { return false; }
  bool tls_required() const override { return false; }
  bool cleartext_password_allowed() const override { return true; }
  void start_tls() override { ADD_FAILURE(); }
  void need_secret(std::string_view, std::string_view) override { needs_secret = true; }
  session::Destination admit(std::string_view user, std::string_view database) override;
  void login_done(std::string_view name) override {
    logged_in = true;
    application_name = name;
  }
  std::uint32_t cancel_pid() override { return 77; }
  std::uint32_t cancel_key() override { return 99; }
  void cancel_requested(std::uint32_t, Bytes) override {}
  void want_server(HoldKind kind, FitTag fit) override;
  void release_server() override;
  void drop_server(Reason reason) override;
  bool hold_changed(HoldKind kind, std::string_view why) override;
  session::SnapshotRef snapshot() override;
  bool replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) override;
  bool may_be_outdated() override;
  void application_name_changed(std::string_view name) override { application_name = name; }
  Log& log() override { return log_; }

  // Sends and lets everything settle.
  void send(std::string_view bytes);
  // What came since the last time, printed.
  std::string answers() { return print(std::exchange(received, {})); }
  std::string ask(std::string_view bytes) {
    send(bytes);
    return answers();
  }
  void login(std::vector<std::pair<std::string, std::string>> parameters = {});

  Rig& rig;
  std::unique_ptr<ClientConversation> conversation;
  std::string outgoing;  // not yet taken by the conversation
  std::string received;
  TestServer* server = nullptr;
  bool needs_secret = false;
  bool logged_in = false;
  bool wants = false;
  int wants_count = 0;
  int writes = 0;
  int pins = 0;
  int drops = 0;
  std::string pinned_by;
  std::string application_name;
  Reason closed_by = Reason::none;

 private:
  SilentLog log_;
};

class Rig {
 public:
  explicit Rig(int servers = 1, session::RouteRules rules = {});

  TestClient& client();
  // A client that has logged in.
  TestClient& user(std::vector<std::pair<std::string, std::string>> parameters = {});
  // Its connection is reset while it holds a server; whether that one can be cleaned.
  bool lose(TestClient& client);
  void settle();
  session::Turn turn() { return {now, WallTime{}, entropy}; }

  FakeDatabase database;
  session::RouteRules rules;
  session::Traffic traffic;
  Workshop workshop;
  session::SnapshotRef snapshot;
  bool replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next);
  bool servers_silent = false;
  session::VirtualDatabase* console = nullptr;
  std::vector<std::unique_ptr<TestServer>> servers;
  std::vector<std::unique_ptr<TestClient>> clients;
  Instant now{};
  ScriptedEntropy entropy;
  // No more than this many bytes arrive at once, at either side.
  std::size_t piece_bytes = 1 << 20;
  bool pins_left = true;
  bool servers_held_back = false;

 private:
  bool step_client(TestClient& client);
  bool offer(TestClient& client);
  bool step_server(TestServer& server);
  TestServer* next_server();
  std::size_t next_ = 0;
};

}  // namespace tidegate::postgres::testing
