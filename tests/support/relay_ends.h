// A client that is logged in and a server that is, with ports that check what the seam promises:
// for fuzz targets and benchmarks of the relay, which want no network and no PostgreSQL behind it.
#pragma once

#include <string>
#include <utility>

#include "base/check.h"
#include "postgres/client_conversation.h"
#include "postgres/server_conversation.h"
#include "quiet.h"

namespace tidegate::testing {

inline std::string frame(char type, std::string_view body) {
  std::uint8_t length[4];
  store_be32(length, static_cast<std::uint32_t>(body.size() + 4));
  return type + std::string(as_text(Bytes(length))) + std::string(body);
}
inline std::string zero(std::string_view text) {
  return std::string(text) + '\0';
}

class RelayServer : public session::ServerPort {
 public:
  void to_server(Bytes bytes) override {
    TG_CHECK(!bytes.empty());
    TG_CHECK(!broken_off);
    sent_bytes += bytes.size();
  }
  void start_tls() override {}
  const session::ServerRules& rules() const override { return rules_; }
  void need_scram_keys(Bytes, std::uint32_t) override {}
  void login_done() override {}
  void login_failed(const session::Failure&) override {}
  void verified() override {}
  void cleaned() override { cleaned_up = true; }
  void broken(Reason, std::string_view) override {
    TG_CHECK(!broken_off);
    broken_off = true;
  }
  Log& log() override { return log_; }

  std::size_t sent_bytes = 0;
  bool broken_off = false;
  bool cleaned_up = false;

 private:
  session::ServerRules rules_;
  QuietLog log_;
};

class RelayClient : public session::ClientPort {
 public:
  explicit RelayClient(const session::RouteRules& route_rules) : rules(route_rules) {}
  void to_client(Bytes bytes) override {
    TG_CHECK(!bytes.empty());
    TG_CHECK(!closed);
  }
  void close_client(Reason, session::Farewell) override {
    TG_CHECK(!closed);
    closed = true;
  }
  bool tls_offered() const override { return false; }
  bool tls_required() const override { return false; }
  bool cleartext_password_allowed() const override { return true; }
  void start_tls() override {}
  void need_secret(std::string_view, std::string_view) override {}
  session::Destination admit(std::string_view, std::string_view) override {
    session::Destination destination;
    destination.rules = &rules;
    destination.traffic = &traffic_;
    return destination;
  }
  void login_done(std::string_view) override {}
  std::uint32_t cancel_pid() override { return 1; }
  std::uint32_t cancel_key() override { return 2; }
  void cancel_requested(std::uint32_t, Bytes) override {}
  void want_server(HoldKind, FitTag) override {
    TG_CHECK(!wants && !linked);
    wants = true;
  }
  void release_server() override {
    TG_CHECK(linked);
    TG_CHECK(server->state().at_rest());
    linked = false;
    ++releases;
  }
  void drop_server(Reason) override {
    TG_CHECK(linked);
    linked = false;
    dropped = true;
  }
  bool hold_changed(HoldKind, std::string_view) override {
    TG_CHECK(linked);
    return true;
  }
  session::SnapshotRef snapshot() override { return snapshot_; }
  bool replace_snapshot(const session::SnapshotRef&, session::SnapshotRef next) override {
    snapshot_ = std::move(next);
    return true;
  }
  void application_name_changed(std::string_view) override {}
  Log& log() override { return log_; }

  postgres::ServerConversation* server = nullptr;
  session::RouteRules rules;
  std::uint64_t releases = 0;
  bool wants = false;
  bool linked = false;
  bool dropped = false;
  bool closed = false;

 private:
  session::Traffic traffic_;
  session::SnapshotRef snapshot_;
  QuietLog log_;
};

struct RelayEnds {
  explicit RelayEnds(const session::RouteRules& rules = {}) : client_port(rules) {
    client_port.server = &server;
    server.start(turn);
    server.from_server(
        as_bytes(frame('R', std::string(4, '\0')) + frame('S', zero("TimeZone") + zero("Etc/UTC")) +
                 frame('K', std::string(8, '\1')) + frame('Z', "I")),
        turn);
    const std::string body = std::string("\0\3\0\0", 4) + zero("user") + zero("u") + '\0';
    std::uint8_t length[4];
    store_be32(length, static_cast<std::uint32_t>(body.size() + 4));
    client.from_client(as_bytes(std::string(as_text(Bytes(length))) + body), turn);
    session::Secret secret;
    secret.known = true;
    secret.trust = true;
    client.secret_found(secret, turn);
    link();
  }
  bool alive() const {
    return !client_port.closed && !server_port.broken_off && !client_port.dropped;
  }
  void link() {
    if (!std::exchange(client_port.wants, false)) return;
    client_port.linked = true;
    client.linked(server, turn);
  }

  FixedEntropy entropy;
  session::Turn turn{Instant{}, WallTime{}, entropy};
  postgres::Workshop workshop;
  RelayServer server_port;
  RelayClient client_port;
  postgres::ServerConversation server{server_port, client_port.rules};
  postgres::ClientConversation client{client_port, workshop};
};

}  // namespace tidegate::testing
