// Replays the golden logins of tests/conformance/postgres/login: each whole, one byte at a time,
// and cut at every single byte. What is said must be the same each time.
#include <filesystem>

#include "postgres/client_login.h"
#include "postgres/login_golden_testing.h"
#include "postgres/server_login.h"

namespace tidegate::postgres {
namespace {

using namespace testing;

// How the bytes of the other side arrive: as they were sent, one by one, or cut at one place,
// counted over the whole conversation.
struct Cut {
  bool everywhere = false;
  std::size_t at = 0;

  std::size_t piece(std::size_t offset, std::size_t rest) const {
    if (everywhere) return 1;
    return offset < at && at < offset + rest ? at - offset : rest;
  }
};

class ClientReplay {
 public:
  explicit ClientReplay(const Golden& golden) : golden_(golden), entropy_(golden.server_entropy) {
    port_.has_tls = golden.tls_offered;
    port_.needs_tls = golden.rules.tls_required;
    port_.allows_cleartext = golden.rules.cleartext_allowed;
    if (!golden.direct_tls.empty()) login_.secured({.alpn = golden.direct_tls}, turn_);
  }

  static constexpr char kOwnSide = 'S';
  std::size_t runs() const { return golden_.client_runs; }
  const std::string& expected_end() const { return golden_.client_login_ends; }
  std::string take_sent() { return std::exchange(port_.sent, {}); }

  void feed(std::string_view bytes) {
    waiting_ += bytes;
    for (bool moved = true; moved;) {
      const auto taken = login_.from_client(as_bytes(waiting_), turn_);
      waiting_.erase(0, taken);
      moved = answer() && !waiting_.empty();
    }
  }

  std::string end() const {
    if (login_.state() == ClientLogin::State::admitted) return "admitted";
    return calls_.empty() ? "nothing" : calls_.back();
  }

 private:
  bool answer() {
    const auto calls = std::exchange(port_.calls, {});
    for (const auto& call : calls) {
      calls_.push_back(call);
      if (call == "start_tls" && !golden_.tls_stalls) login_.secured({}, turn_);
      if (call.starts_with("need_secret")) login_.secret_found(golden_.secret, turn_);
    }
    if (!port_.calls.empty()) answer();  // the answer had an effect of its own
    return !calls.empty();
  }

  const Golden& golden_;
  NotedClientPort port_;
  ClientLogin login_{port_};
  ScriptedEntropy entropy_;
  session::Turn turn_{Instant{}, WallTime{}, entropy_};
  std::string waiting_;
  Calls calls_;
};

class ServerReplay {
 public:
  explicit ServerReplay(const Golden& golden) : golden_(golden), entropy_(golden.client_entropy) {
    port_.login_rules = golden.rules;
    login_.start(turn_);
  }

  static constexpr char kOwnSide = 'C';
  std::size_t runs() const { return golden_.runs.size(); }
  const std::string& expected_end() const { return golden_.server_login_ends; }
  std::string take_sent() { return std::exchange(port_.sent, {}); }

  void feed(std::string_view bytes) {
    EXPECT_EQ(login_.from_server(as_bytes(bytes), turn_), bytes.size());
    for (const auto& call : std::exchange(port_.calls, {})) {
      calls_.push_back(call);
      if (call == "start_tls" && !golden_.tls_stalls) login_.secured({}, turn_);
      if (call == "need_scram_keys") {
        auto& keys = golden_.keys;
        if (!keys) keys = derive_keys(golden_.rules.password, port_.salt, port_.iterations);
        login_.scram_keys(*keys, turn_);
      }
    }
  }

  std::string end() const {
    if (login_.state() == ServerLogin::State::done) return "done";
    return calls_.empty() ? "nothing" : calls_.back();
  }

 private:
  const Golden& golden_;
  NotedServerPort port_;
  ServerLogin login_{port_};
  ScriptedEntropy entropy_;
  session::Turn turn_{Instant{}, WallTime{}, entropy_};
  Calls calls_;
};

template <typename Replay>
void replay(const Golden& golden, const Cut& cut) {
  Replay replay(golden);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < replay.runs(); ++i) {
    const auto& run = golden.runs[i];
    if (run.side == Replay::kOwnSide) {
      ASSERT_EQ(replay.take_sent(), run.bytes) << "run " << i << ", cut at " << cut.at;
      continue;
    }
    for (std::string_view rest = run.bytes; !rest.empty();) {
      const auto size = cut.piece(offset, rest.size());
      replay.feed(rest.substr(0, size));
      rest.remove_prefix(size);
      offset += size;
    }
  }
  EXPECT_EQ(replay.take_sent(), "") << "cut at " << cut.at;
  EXPECT_EQ(replay.end(), replay.expected_end()) << "cut at " << cut.at;
}

template <typename Replay>
void replay_cut_at_every_byte(const Golden& golden) {
  std::size_t bytes = 0;
  for (const auto& run : golden.runs) bytes += run.side == Replay::kOwnSide ? 0 : run.bytes.size();
  replay<Replay>(golden, {.everywhere = true});
  for (std::size_t at = 0; at < bytes && !::testing::Test::HasFailure(); ++at) {
    replay<Replay>(golden, {.at = at});
  }
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  const auto folder = std::string(TIDEGATE_SOURCE_DIR) + "/tests/conformance/postgres/login";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

class LoginConformance : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Golden, LoginConformance, ::testing::ValuesIn(golden_names()),
                         [](const auto& test) { return test.param; });

TEST_P(LoginConformance, SaysTheSameHoweverTheBytesAreCut) {
  const auto golden = read_golden(std::string(TIDEGATE_SOURCE_DIR) +
                                  "/tests/conformance/postgres/login/" + GetParam() + ".txt");
  const bool for_client = !golden.client_login_ends.empty();
  const bool for_server = !golden.server_login_ends.empty();
  ASSERT_TRUE(for_client || for_server);
  if (for_client) replay_cut_at_every_byte<ClientReplay>(golden);
  if (for_server) replay_cut_at_every_byte<ServerReplay>(golden);
}

}  // namespace
}  // namespace tidegate::postgres
