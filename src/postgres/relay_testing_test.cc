// The definitions of relay_testing.h.
#include "postgres/relay_testing.h"

#include <algorithm>

namespace tidegate::postgres::testing {
namespace {

std::string be32(std::size_t value) {
  std::uint8_t raw[4];
  store_be32(raw, static_cast<std::uint32_t>(value));
  return std::string(as_text(Bytes(raw)));
}
std::string zero(std::string_view text) {
  return std::string(text) + '\0';
}
// A function: tables of other files are made before a string here might be.
std::string none16() {
  return std::string(2, '\0');
}

std::string print_error(std::string_view body) {
  const auto fields = read_error(as_bytes(body)).value_or(ErrorFields{});
  const auto fatal = fields.severity == "FATAL" ? "FATAL " : "";
  return "E[" + (fatal + std::string(fields.sqlstate)) + "]";
}

std::string print_message(char type, std::string_view body) {
  const std::string letter(1, type);
  switch (type) {
    case 'Z':
      return "Z[" + std::string(body) + "]";
    case 'C':
      return "C[" + std::string(body.substr(0, body.find('\0'))) + "]";
    case 'E':
      return print_error(body);
    case 'D':
      return "D[" + std::string(body.substr(6)) + "]";
    case 'd':
      return "d[" + std::string(body) + "]";
    case 'S': {
      const auto end = body.find('\0');
      return "S[" + std::string(body.substr(0, end)) + "=" +
             std::string(body.substr(end + 1, body.size() - end - 2)) + "]";
    }
    default:
      return letter;
  }
}

}  // namespace

std::string frame(char type, std::string_view body) {
  return type + be32(body.size() + 4) + std::string(body);
}
std::string query(std::string_view text) {
  return frame('Q', zero(text));
}
std::string parse(std::string_view name, std::string_view text) {
  return frame('P', zero(name) + zero(text) + none16());
}
std::string binding(std::string_view portal, std::string_view name, std::string_view parameter) {
  std::string body = zero(portal) + zero(name) + none16();
  if (parameter.empty()) {
    body += none16();
  } else {
    body += std::string("\0\1", 2) + be32(parameter.size()) + std::string(parameter);
  }
  return frame('B', body + none16());
}
std::string describe(char kind, std::string_view name) {
  return frame('D', kind + zero(name));
}
std::string execute(std::string_view portal, int rows_max) {
  return frame('E', zero(portal) + be32(static_cast<std::size_t>(rows_max)));
}
std::string close(char kind, std::string_view name) {
  return frame('C', kind + zero(name));
}
std::string sync() {
  return frame('S', "");
}
std::string flush() {
  return frame('H', "");
}

std::string startup(std::vector<std::pair<std::string, std::string>> parameters) {
  std::string body = be32(kProtocol30) + zero("user") + zero("u") + zero("database") + zero("d");
  for (const auto& [name, value] : parameters) body += zero(name) + zero(value);
  body += '\0';
  return be32(body.size() + 4) + body;
}

std::string print(std::string_view replies) {
  std::string line;
  while (replies.size() >= kHeaderBytes) {
    const auto length = load_be32(as_bytes(replies).data() + 1);
    if (replies.size() < 1 + length) break;
    line += print_message(replies[0], replies.substr(kHeaderBytes, length - 4));
    replies.remove_prefix(1 + length);
  }
  if (!replies.empty()) line += "...";
  return line;
}

// --- The rig ---

TestServer::TestServer(Rig& rig, std::uint32_t process_id)
    : fake(rig.database, process_id),
      conversation(std::make_unique<ServerConversation>(*this, rig.rules)),
      rig_(rig) {
  conversation->start(rig.turn());
}

session::SnapshotRef TestServer::snapshot() {
  return rig_.snapshot;
}
bool TestServer::replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) {
  return rig_.replace_snapshot(former, std::move(next));
}

TestClient::TestClient(Rig& the_rig)
    : rig(the_rig), conversation(std::make_unique<ClientConversation>(*this, rig.workshop)) {}

session::Destination TestClient::admit(std::string_view, std::string_view database) {
  session::Destination destination;
  destination.rules = &rig.rules;
  destination.traffic = &rig.traffic;
  if (database == "console") destination.virtual_database = rig.console;
  return destination;
}

void TestClient::want_server(HoldKind, FitTag) {
  EXPECT_FALSE(wants) << "asked twice";
  EXPECT_EQ(server, nullptr) << "asked while linked";
  wants = true;
  ++wants_count;
}

void TestClient::release_server() {
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(server->conversation->state().owed.empty()) << "released while a reply is owed";
  EXPECT_EQ(server->conversation->state().status, 'I') << "released inside a transaction";
  EXPECT_FALSE(server->conversation->state().dirty);
  server->taken = false;
  server = nullptr;
}

void TestClient::drop_server(Reason reason) {
  ASSERT_NE(server, nullptr);
  ++drops;
  server->broken_by = reason;
  server = nullptr;
}

bool TestClient::hold_changed(HoldKind kind, std::string_view why) {
  EXPECT_NE(server, nullptr);
  if (kind == HoldKind::pin && !rig.pins_left) return false;
  pins += kind == HoldKind::pin;
  pinned_by = why;
  return true;
}

session::SnapshotRef TestClient::snapshot() {
  return rig.snapshot;
}
bool TestClient::replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) {
  return rig.replace_snapshot(former, std::move(next));
}
bool TestClient::may_be_outdated() {
  return rig.servers_silent;
}

void TestClient::send(std::string_view bytes) {
  outgoing += bytes;
  rig.settle();
}

void TestClient::login(std::vector<std::pair<std::string, std::string>> parameters) {
  send(startup(std::move(parameters)));
}

bool Rig::replace_snapshot(const session::SnapshotRef& former, session::SnapshotRef next) {
  if (snapshot != former) return false;
  snapshot = std::move(next);
  return true;
}

Rig::Rig(int server_count, session::RouteRules the_rules) : rules(the_rules) {
  for (int i = 0; i < server_count; ++i) {
    servers.push_back(std::make_unique<TestServer>(*this, 1000 + static_cast<std::uint32_t>(i)));
  }
  settle();
  snapshot = nullptr;  // the first client finds none
}

TestClient& Rig::client() {
  return *clients.emplace_back(std::make_unique<TestClient>(*this));
}

bool Rig::lose(TestClient& client) {
  auto& server = *std::exchange(client.server, nullptr);
  client.conversation->client_lost(turn());
  client.conversation.reset();
  return server.conversation->abandon(turn());
}

TestClient& Rig::user(std::vector<std::pair<std::string, std::string>> parameters) {
  auto& made = client();
  made.login(std::move(parameters));
  EXPECT_TRUE(made.logged_in);
  made.received.clear();
  made.writes = 0;
  made.wants_count = 0;
  return made;
}

TestServer* Rig::next_server() {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    auto& server = *servers[next_++ % servers.size()];
    if (!server.taken && server.broken_by == Reason::none) return &server;
  }
  return nullptr;
}

void Rig::settle() {
  for (int round = 0; round < 100'000; ++round) {
    bool moved = false;
    for (auto& client : clients) moved |= step_client(*client);
    for (auto& server : servers) moved |= step_server(*server);
    if (!moved) return;
    now = now + std::chrono::microseconds(10);
  }
  ADD_FAILURE() << "the rig does not come to rest";
}

bool Rig::step_client(TestClient& client) {
  if (client.closed_by != Reason::none || client.conversation == nullptr) return false;
  if (std::exchange(client.needs_secret, false)) {
    session::Secret secret;
    secret.known = true;
    secret.trust = true;
    client.conversation->secret_found(secret, turn());
    return true;
  }
  if (client.wants && !servers_held_back) {
    if (auto* server = next_server()) {
      client.wants = false;
      client.server = server;
      server->taken = true;
      client.conversation->linked(*server->conversation, turn());
      offer(client);
      return true;
    }
  }
  return offer(client);
}

bool Rig::offer(TestClient& client) {
  if (client.outgoing.empty() || !client.conversation->wants_input()) return false;
  const auto piece = client.outgoing.substr(0, piece_bytes);
  // Not taken whole: the rest is offered again together with what came behind it.
  auto taken = client.conversation->from_client(as_bytes(piece), turn());
  if (taken == 0 && piece.size() < client.outgoing.size() && client.conversation->wants_input()) {
    taken = client.conversation->from_client(as_bytes(client.outgoing), turn());
  }
  client.outgoing.erase(0, taken);
  return taken > 0 || client.wants;
}

bool Rig::step_server(TestServer& server) {
  if (server.broken_by != Reason::none) {
    for (auto& client : clients) {
      if (client->server != &server) continue;
      client->server = nullptr;
      client->conversation->server_lost(server.broken_by, server.broken_detail, turn());
      return true;
    }
    return false;
  }
  bool moved = false;
  if (!server.outgoing.empty() && !server.deaf) {
    ++server.writes;
    server.incoming += server.fake.take(std::exchange(server.outgoing, {}));
    moved = true;
  }
  if (server.mute || server.incoming.empty()) return moved;
  const auto piece = server.incoming.substr(0, piece_bytes);
  server.incoming.erase(0, piece.size());
  server.conversation->from_server(as_bytes(piece), turn());
  return true;
}

}  // namespace tidegate::postgres::testing
