// What the relay costs per transaction, without a socket: one client, one server, replies from a
// recording. Logging in happens once, outside the loop.
#include <benchmark/benchmark.h>

#include <string>

#include "postgres/client_conversation.h"
#include "postgres/server_conversation.h"

namespace tidegate::postgres {
namespace {

std::string frame(char type, std::string_view body) {
  std::uint8_t length[4];
  store_be32(length, static_cast<std::uint32_t>(body.size() + 4));
  return type + std::string(as_text(Bytes(length))) + std::string(body);
}
std::string zero(std::string_view text) {
  return std::string(text) + '\0';
}

class CountingEntropy : public Entropy {
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

class BenchServer : public session::ServerPort {
 public:
  void to_server(Bytes bytes) override { sent += bytes.size(); }
  void start_tls() override {}
  const session::ServerRules& rules() const override { return rules_; }
  void need_scram_keys(Bytes, std::uint32_t, bool) override {}
  void login_done() override {}
  void login_failed(Reason, std::string_view, bool) override {}
  void verified() override {}
  void cleaned() override {}
  void broken(Reason, std::string_view) override { ++breaks; }
  void publish_snapshot(session::SnapshotRef) override {}
  Log& log() override { return log_; }

  std::size_t sent = 0;
  int breaks = 0;

 private:
  session::ServerRules rules_;
  SilentLog log_;
};

class BenchClient : public session::ClientPort {
 public:
  void to_client(Bytes bytes) override { received += bytes.size(); }
  void close_client(Reason, session::Farewell) override {}
  bool tls_offered() const override { return false; }
  bool tls_required() const override { return false; }
  bool cleartext_password_allowed() const override { return true; }
  void start_tls() override {}
  void need_secret(std::string_view, std::string_view) override {}
  session::Destination admit(std::string_view, std::string_view) override {
    session::Destination destination;
    destination.rules = &rules_;
    destination.traffic = &traffic;
    return destination;
  }
  void login_done(std::string_view) override {}
  std::uint32_t cancel_pid() override { return 1; }
  std::uint32_t cancel_key() override { return 2; }
  void cancel_requested(std::uint32_t, Bytes) override {}
  void want_server(HoldKind, FitTag) override { wants = true; }
  void release_server() override { ++releases; }
  void drop_server(Reason) override {}
  bool hold_changed(HoldKind, std::string_view) override { return true; }
  session::SnapshotRef snapshot() override { return snapshot_; }
  void publish_snapshot(session::SnapshotRef snapshot) override { snapshot_ = snapshot; }
  void application_name_changed(std::string_view) override {}
  Log& log() override { return log_; }

  std::size_t received = 0;
  std::uint64_t releases = 0;
  bool wants = false;
  session::Traffic traffic;

 private:
  session::RouteRules rules_;
  session::SnapshotRef snapshot_;
  SilentLog log_;
};

struct Pair {
  Pair() {
    server.start(turn);
    server.from_server(
        as_bytes(frame('R', std::string(4, '\0')) + frame('S', zero("TimeZone") + zero("Etc/UTC")) +
                 frame('K', std::string(8, '\1')) + frame('Z', "I")),
        turn);
    std::string body = std::string("\0\3\0\0", 4) + zero("user") + zero("u") + '\0';
    std::uint8_t length[4];
    store_be32(length, static_cast<std::uint32_t>(body.size() + 4));
    client.from_client(as_bytes(std::string(as_text(Bytes(length))) + body), turn);
    session::Secret secret;
    secret.known = true;
    secret.trust = true;
    client.secret_found(secret, turn);
    link();
  }
  void link() {
    if (std::exchange(client_port.wants, false)) client.linked(server, turn);
  }
  // One turn of the proxy: the request, a server, the request again, the replies.
  void transact(std::string_view request, std::string_view replies) {
    auto taken = client.from_client(as_bytes(request), turn);
    link();
    if (taken < request.size()) client.from_client(as_bytes(request.substr(taken)), turn);
    server.from_server(as_bytes(replies), turn);
  }

  CountingEntropy entropy;
  session::Turn turn{Instant{}, WallTime{}, entropy};
  Workshop workshop;
  BenchServer server_port;
  BenchClient client_port;
  session::RouteRules rules;
  ServerConversation server{server_port, rules};
  ClientConversation client{client_port, workshop};
};

std::string row() {
  return frame('D', std::string("\0\1\0\0\0\4", 6) + "1234") + frame('C', zero("SELECT 1")) +
         frame('Z', "I");
}
std::string columns() {
  return frame('T', std::string("\0\1", 2) + zero("abalance") + std::string(18, '\0'));
}

void run(benchmark::State& state, Pair& pair, const std::string& request,
         const std::string& replies) {
  const auto before = pair.client_port.releases;
  for (auto _ : state) pair.transact(request, replies);
  if (pair.client_port.releases - before != static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("a transaction did not give its server back");
  }
}

void BM_SimpleTransaction(benchmark::State& state) {
  Pair pair;
  run(state, pair, frame('Q', zero("SELECT abalance FROM pgbench_accounts WHERE aid = 67890;")),
      columns() + row());
}
BENCHMARK(BM_SimpleTransaction);

void BM_PreparedTransaction(benchmark::State& state) {
  Pair pair;
  pair.transact(
      frame('P', zero("P0_1") + zero("SELECT abalance FROM pgbench_accounts WHERE aid = $1;") +
                     std::string(2, '\0')) +
          frame('S', ""),
      frame('1', "") + frame('Z', "I"));
  const auto request = frame('B', zero("") + zero("P0_1") + std::string("\0\0\0\1\0\0\0\5", 8) +
                                      "67890" + std::string("\0\0", 2)) +
                       frame('D', "P" + zero("")) + frame('E', zero("") + std::string(4, '\0')) +
                       frame('S', "");
  run(state, pair, request, frame('2', "") + columns() + row());
}
BENCHMARK(BM_PreparedTransaction);

void BM_ExtendedTransaction(benchmark::State& state) {
  Pair pair;
  const auto request =
      frame('P', zero("") + zero("SELECT abalance FROM pgbench_accounts WHERE aid = $1;") +
                     std::string(2, '\0')) +
      frame('B', zero("") + zero("") + std::string("\0\0\0\1\0\0\0\5", 8) + "67890" +
                     std::string("\0\0", 2)) +
      frame('D', "P" + zero("")) + frame('E', zero("") + std::string(4, '\0')) + frame('S', "");
  run(state, pair, request, frame('1', "") + frame('2', "") + columns() + row());
}
BENCHMARK(BM_ExtendedTransaction);

}  // namespace
}  // namespace tidegate::postgres
