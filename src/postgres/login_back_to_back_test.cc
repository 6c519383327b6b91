// Both halves of the login in one room: ServerLogin logs in at ClientLogin, through two queues of
// bytes, with the test as both proxies. Whatever one side says the other must understand, in
// pieces of any size.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "auth/md5.h"
#include "postgres/client_login.h"
#include "postgres/login_testing.h"
#include "postgres/server_login.h"

namespace tidegate::postgres {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::HasSubstr;

class Room {
 public:
  explicit Room(session::Secret secret) : secret_(std::move(secret)) {}

  // Until nobody has anything to say. Bytes travel in pieces of `piece_bytes`.
  void run(std::size_t piece_bytes) {
    outer_.start(turn_);
    for (bool moved = true; moved;) {
      moved = carry(servers.sent, to_inner_, piece_bytes,
                    [&](Bytes bytes) { return inner_.from_client(bytes, turn_); });
      moved |= carry(clients.sent, to_outer_, piece_bytes,
                     [&](Bytes bytes) { return outer_.from_server(bytes, turn_); });
      moved |= answer();
    }
  }

  ClientLogin::State inner_state() const { return inner_.state(); }
  ServerLogin::State outer_state() const { return outer_.state(); }
  const std::string& said_to_client() const { return said_to_client_; }
  const Calls& all_calls() const { return all_calls_; }

  NotedClientPort clients;
  NotedServerPort servers;

 private:
  template <typename Sink>
  bool carry(std::string& sent, std::string& way, std::size_t piece_bytes, Sink sink) {
    if (&sent == &clients.sent) said_to_client_ += sent;
    way += std::exchange(sent, {});
    std::size_t offered = piece_bytes;
    bool moved = false;
    while (!way.empty() && offered > 0) {
      offered = sink(as_bytes(way).first(std::min(way.size(), piece_bytes)));
      way.erase(0, offered);
      moved |= offered > 0;
    }
    return moved;
  }

  // What the proxies do with the calls that want an answer, each once.
  bool answer() {
    bool answered = false;
    for (const auto& call : std::exchange(clients.calls, {})) {
      all_calls_.push_back(call);
      answered = true;
      if (call == "start_tls") inner_.secured(facts_, turn_);
      if (call.starts_with("need_secret")) inner_.secret_found(secret_, turn_);
    }
    for (const auto& call : std::exchange(servers.calls, {})) {
      all_calls_.push_back(call);
      answered = true;
      if (call == "start_tls") outer_.secured(facts_, turn_);
      if (call == "need_scram_keys") {
        outer_.scram_keys(
            derive_keys(servers.login_rules.password, servers.salt, servers.iterations), turn_);
      }
    }
    return answered;
  }

  session::Secret secret_;
  session::TlsFacts facts_ = {.version = "TLSv1.3", .channel_binding = {1, 2, 3}};
  ScriptedEntropy entropy_;
  session::Turn turn_{Instant{}, WallTime{}, entropy_};
  ClientLogin inner_{clients};
  ServerLogin outer_{servers};
  std::string to_inner_;
  std::string to_outer_;
  std::string said_to_client_;
  Calls all_calls_;
};

const session::Secret kScramSecret = {.known = true, .scram_verifier = verifier_text("tide")};
const session::Secret kMd5Secret = {.known = true, .md5 = auth::md5_stored("alice", "tide")};
const session::Secret kCleartextSecret = {.known = true, .password = "tide"};

void expect_admitted(Room& room) {
  EXPECT_EQ(room.inner_state(), ClientLogin::State::admitted);
  EXPECT_EQ(room.outer_state(), ServerLogin::State::reporting);
}

class BackToBack : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(PieceBytes, BackToBack, ::testing::Values(1, 2, 3, 7, 100'000));

TEST_P(BackToBack, Trust) {
  Room room({.known = true, .trust = true});
  room.run(GetParam());
  expect_admitted(room);
}

TEST_P(BackToBack, Scram) {
  Room room(kScramSecret);
  room.run(GetParam());
  expect_admitted(room);
  EXPECT_THAT(room.all_calls(), Contains("need_scram_keys"));
}

TEST_P(BackToBack, ScramPlusOverTls) {
  Room room(kScramSecret);
  room.clients.has_tls = room.clients.needs_tls = true;
  room.servers.login_rules.tls_wanted = room.servers.login_rules.tls_required = true;
  room.run(GetParam());
  expect_admitted(room);
  EXPECT_THAT(room.said_to_client(), HasSubstr("SCRAM-SHA-256-PLUS"));
}

TEST_P(BackToBack, ScramWithoutBindingOverTls) {
  Room room(kScramSecret);
  room.clients.has_tls = true;
  room.servers.login_rules.tls_wanted = true;
  room.servers.login_rules.channel_binding_wanted = false;
  room.run(GetParam());
  expect_admitted(room);
}

TEST_P(BackToBack, TlsWantedAndNotOffered) {
  Room room(kScramSecret);
  room.servers.login_rules.tls_wanted = true;
  room.run(GetParam());
  expect_admitted(room);
}

TEST_P(BackToBack, Md5) {
  Room room(kMd5Secret);
  room.run(GetParam());
  expect_admitted(room);
}

TEST_P(BackToBack, Cleartext) {
  Room room(kCleartextSecret);
  room.clients.allows_cleartext = room.servers.login_rules.cleartext_allowed = true;
  room.run(GetParam());
  expect_admitted(room);
}

TEST_P(BackToBack, AWrongPasswordByEveryMethod) {
  for (const auto& secret : {kScramSecret, kMd5Secret, kCleartextSecret}) {
    Room room(secret);
    room.clients.allows_cleartext = room.servers.login_rules.cleartext_allowed = true;
    room.servers.login_rules.password = "ebb";
    room.run(GetParam());
    EXPECT_EQ(room.inner_state(), ClientLogin::State::finished);
    EXPECT_EQ(room.outer_state(), ServerLogin::State::failed);
    EXPECT_THAT(room.all_calls(), Contains("close wrong_password flush"));
  }
}

TEST_P(BackToBack, Trap22AnUnknownUserLooksLikeAWrongPassword) {
  const auto said_to = [&](bool known) {
    auto secret = kScramSecret;
    secret.known = known;
    secret.scram_verifier = known ? verifier_text("another")
                                  : auth::mock_scram_verifier("alice", auth::Digest{}).text();
    Room room(secret);
    room.run(GetParam());
    return room.said_to_client();
  };
  // Only salt and iteration count of the challenge differ: compare the types and what stands last.
  const auto shape = [](const std::string& said) {
    std::string types;
    auto rest = as_bytes(said);
    for (MessageHeader header; read_header(rest, header) == HeaderRead::ok;) {
      types += header.type;
      rest = rest.subspan(kHeaderBytes + header.body_bytes);
      if (header.type == 'E') types += as_text(as_bytes(said).last(header.body_bytes));
    }
    return types;
  };
  const auto unknown = shape(said_to(false));
  EXPECT_EQ(unknown, shape(said_to(true)));
  EXPECT_TRUE(unknown.starts_with("RRE"));
}

TEST_P(BackToBack, AMockVerifierIsNotEnoughEvenWithTheRightPassword) {
  auto secret = kScramSecret;
  secret.known = false;
  Room room(secret);
  room.run(GetParam());
  EXPECT_THAT(room.all_calls(), Contains("close wrong_password flush"));
}

RC_GTEST_PROP(BackToBackProperty, AnyPasswordAdmitsItsOwnerOnly, ()) {
  const auto character = rc::gen::inRange<char>('!', '~');
  const auto stored = *rc::gen::nonEmpty(rc::gen::container<std::string>(character));
  const auto given = *rc::gen::oneOf(rc::gen::just(stored),
                                     rc::gen::nonEmpty(rc::gen::container<std::string>(character)));
  Room room({.known = true, .scram_verifier = verifier_text(stored)});
  room.servers.login_rules.password = given;
  room.run(1'000);
  RC_ASSERT((room.inner_state() == ClientLogin::State::admitted) == (stored == given));
}

}  // namespace
}  // namespace tidegate::postgres
