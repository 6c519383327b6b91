// Puts the relay into the golden conversations of tests/conformance/postgres/relay: whole, one byte
// at a time, and cut at every single byte of either direction. Neither end may notice.
#include <filesystem>
#include <fstream>

#include "postgres/framing.h"
#include "postgres/golden_notation_testing.h"
#include "postgres/relay_testing.h"

namespace tidegate::postgres::testing {
namespace {

struct Turn {
  std::string asked;
  std::string answered;
};
using Conversation = std::vector<Turn>;

std::string path_of(const std::string& name) {
  return std::string(TIDEGATE_SOURCE_DIR) + "/tests/conformance/postgres/relay/" + name;
}

Conversation read_conversation(const std::string& name) {
  Conversation turns;
  std::ifstream file(path_of(name + ".txt"));
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const bool asks = line[0] == 'C';
    if (asks && (turns.empty() || !turns.back().answered.empty())) turns.emplace_back();
    (asks ? turns.back().asked : turns.back().answered) += bytes_of_tokens(line.substr(1));
  }
  return turns;
}

// Where a stream is cut, counted over the whole conversation; nowhere by default.
struct Cuts {
  std::size_t client = 0;
  std::size_t server = 0;
  bool everywhere = false;
};

// Calls `take` with `bytes` in one piece or two.
template <class Take>
void in_pieces(std::string_view bytes, std::size_t& offset, std::size_t cut, Take take) {
  const bool inside = offset < cut && cut < offset + bytes.size();
  const auto first = inside ? cut - offset : bytes.size();
  take(bytes.substr(0, first));
  if (inside) take(bytes.substr(first));
  offset += bytes.size();
}

// Requests as they look when every name of a statement is taken out.
std::string nameless(std::string_view requests) {
  std::string result;
  while (!requests.empty()) {
    const auto size = 1 + load_be32(as_bytes(requests).data() + 1);
    const auto type = requests[0];
    auto body = requests.substr(kHeaderBytes, size - kHeaderBytes);
    if (type == 'B') {
      result += body.substr(0, body.find('\0') + 1);
      body.remove_prefix(body.find('\0') + 1);
    }
    const bool names = type == 'P' || type == 'B' || (type == 'D' && body[0] == 'S');
    result += type;
    result += names ? body.substr(body.find('\0')) : body;
    requests.remove_prefix(size);
  }
  return result;
}

// What the session has set is asked behind its back, and not recorded: nothing was set.
void answer_inquiry(Rig& rig, TestServer& server) {
  const auto asks = [&](std::string_view kind) {
    return server.outgoing.contains("SELECT '" + std::string(kind) + "', ");
  };
  if (!asks("setting") && !asks("prepared") && !asks("held")) return;
  server.outgoing.clear();
  server.incoming += frame('C', std::string_view("SELECT 0", 9)) + frame('Z', "I");
  rig.settle();
}

void replay(const Conversation& turns, const Cuts& cuts) {
  Rig rig;
  auto& client = rig.user();
  auto& server = *rig.servers[0];
  server.deaf = true;
  if (cuts.everywhere) rig.piece_bytes = 1;
  std::size_t asked = 0;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const auto where = ::testing::Message() << "turn " << i << ", client cut at " << cuts.client
                                            << ", server cut at " << cuts.server;
    in_pieces(turns[i].asked, asked, cuts.client, [&](auto piece) { client.send(piece); });
    ASSERT_EQ(nameless(std::exchange(server.outgoing, {})), nameless(turns[i].asked)) << where;
    in_pieces(turns[i].answered, answered, cuts.server, [&](auto piece) {
      server.incoming += piece;
      rig.settle();
    });
    answer_inquiry(rig, server);
    ASSERT_EQ(std::exchange(client.received, {}), turns[i].answered) << where;
  }
  EXPECT_EQ(client.closed_by, Reason::none);
  EXPECT_EQ(client.server != nullptr, !client.pinned_by.empty()) << "released when all is said";
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(path_of(""))) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path().stem());
  }
  std::ranges::sort(found);
  return found;
}

class RelayConformance : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Golden, RelayConformance, ::testing::ValuesIn(names()),
                         [](const auto& test) { return test.param; });

TEST_P(RelayConformance, IsNotNoticedHoweverTheBytesAreCut) {
  const auto turns = read_conversation(GetParam());
  ASSERT_FALSE(turns.empty());
  std::size_t asked = 0;
  std::size_t answered = 0;
  for (const auto& turn : turns) {
    asked += turn.asked.size();
    answered += turn.answered.size();
  }
  replay(turns, {});
  replay(turns, {.everywhere = true});
  for (std::size_t at = 1; at < asked && !HasFailure(); ++at) replay(turns, {.client = at});
  for (std::size_t at = 1; at < answered && !HasFailure(); ++at) replay(turns, {.server = at});
}

}  // namespace
}  // namespace tidegate::postgres::testing
