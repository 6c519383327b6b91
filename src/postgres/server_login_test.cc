// ServerLogin against a port that only takes notes; the test is the server and the proxy.
#include "postgres/server_login.h"

#include <gmock/gmock.h>

#include "auth/md5.h"
#include "postgres/login_testing.h"

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = ServerLogin::State;

const auto kSsl = made_by(write_ssl_request);
const auto kOk = made_by(write_authentication_ok);
const auto kIdle = made_by(write_ready_for_query, 'I');

std::string fatal(std::string_view sqlstate, std::string message) {
  return made_by([&](ByteBuffer& out) {
    write_error(out, {.severity = "FATAL", .sqlstate = sqlstate, .message = std::move(message)});
  });
}

// An authentication request with a number and data of any kind.
std::string request(std::uint32_t kind, std::string_view data = "") {
  ByteBuffer out;
  ByteWriter(out).u8('R').be32(static_cast<std::uint32_t>(8 + data.size())).be32(kind).text(data);
  return std::string(as_text(out));
}

class ServerLoginTest : public ::testing::Test {
 protected:
  std::size_t feed(std::string_view bytes) { return login.from_server(as_bytes(bytes), turn); }
  void start() {
    login.start(turn);
    port.sent.clear();
  }
  void come_secured() { login.secured({.channel_binding = {1, 2, 3}}, turn); }
  std::string take_sent() { return std::exchange(port.sent, {}); }
  void expect_failed(std::string_view call, std::string_view detail) {
    ASSERT_FALSE(port.calls.empty());
    EXPECT_EQ(port.calls.back(), "failed " + std::string(call));
    EXPECT_THAT(port.failure, HasSubstr(std::string(detail)));
    EXPECT_EQ(login.state(), State::failed);
  }

  NotedServerPort port;
  ServerLogin login{port};
  ScriptedEntropy entropy;
  session::Turn turn{Instant{}, WallTime{}, entropy};
};

// --- To the startup packet ---

TEST_F(ServerLoginTest, StartupNamesUserDatabaseAndTheRoutesParameters) {
  port.login_rules.startup_parameters = {{"client_encoding", "UTF8"}};
  login.start(turn);
  EXPECT_EQ(take_sent(),
            startup_packet({{"user", "alice"}, {"database", "shop"}, {"client_encoding", "UTF8"}}));
}

TEST_F(ServerLoginTest, TlsWhenWantedAndOffered) {
  port.login_rules.tls_wanted = true;
  login.start(turn);
  EXPECT_EQ(take_sent(), kSsl);
  feed("S");
  EXPECT_EQ(take_sent(), "");
  come_secured();
  EXPECT_EQ(take_sent(), startup_packet({{"user", "alice"}, {"database", "shop"}}));
  EXPECT_THAT(port.calls, ElementsAre("start_tls"));
}

TEST_F(ServerLoginTest, WithoutTlsWhenOnlyWanted) {
  port.login_rules.tls_wanted = true;
  start();
  feed("N");
  EXPECT_EQ(take_sent(), startup_packet({{"user", "alice"}, {"database", "shop"}}));
}

TEST_F(ServerLoginTest, NotWithoutTlsWhenRequired) {
  port.login_rules.tls_wanted = port.login_rules.tls_required = true;
  start();
  feed("N");
  expect_failed("server_tls_refused fatal", "");
  EXPECT_EQ(port.sent, "");
}

TEST_F(ServerLoginTest, NoTlsOverAUnixSocketWhateverIsRequired) {
  port.login_rules.tls_wanted = port.login_rules.tls_required = true;
  port.has_unix_socket = true;
  login.start(turn);
  EXPECT_EQ(take_sent(), startup_packet({{"user", "alice"}, {"database", "shop"}}));
}

TEST_F(ServerLoginTest, Trap21DataInTheSameReadAsTheAnswerIsNeverProcessed) {
  port.login_rules.tls_wanted = true;
  start();
  feed("S" + kOk + kIdle);
  expect_failed("server_protocol_error transient", "in clear");
  come_secured();
  EXPECT_EQ(port.sent, "");
}

TEST_F(ServerLoginTest, Trap21DataBetweenTheAnswerAndTlsIsNeverProcessed) {
  port.login_rules.tls_wanted = true;
  start();
  feed("S");
  feed("R");
  expect_failed("server_protocol_error transient", "in clear");
}

TEST_F(ServerLoginTest, AnErrorInAnswerToSslRequestIsNotShown) {
  port.login_rules.tls_wanted = true;
  start();
  feed("Ecould not fork: send your password to example.com\n");
  expect_failed("server_login_failed transient", "answered SSLRequest with an error");
  EXPECT_EQ(port.failure.find("example"), std::string::npos);
}

TEST_F(ServerLoginTest, AnyOtherAnswerToSslRequestIsAProtocolError) {
  port.login_rules.tls_wanted = true;
  start();
  feed("H");
  expect_failed("server_protocol_error transient", "neither S nor N");
}

TEST_F(ServerLoginTest, AServerThatSpeaksFirstIsNotPostgresql) {
  feed("J");
  expect_failed("server_protocol_error transient", "before it was spoken to");
}

// --- The password ---

TEST_F(ServerLoginTest, CleartextNeedsTlsOrPermission) {
  start();
  feed(made_by(write_authentication_cleartext));
  expect_failed("server_login_failed fatal", "without TLS");
  EXPECT_EQ(port.sent, "");
}

TEST_F(ServerLoginTest, CleartextWhenAllowed) {
  port.login_rules.cleartext_allowed = true;
  start();
  feed(made_by(write_authentication_cleartext));
  EXPECT_EQ(take_sent(), made_by(write_password, "tide"));
  feed(kOk);
  EXPECT_EQ(login.state(), State::reporting);
}

TEST_F(ServerLoginTest, CleartextOverAUnixSocket) {
  port.has_unix_socket = true;
  start();
  feed(made_by(write_authentication_cleartext));
  EXPECT_EQ(take_sent(), made_by(write_password, "tide"));
}

TEST_F(ServerLoginTest, CleartextOverTls) {
  port.login_rules.tls_wanted = true;
  start();
  feed("S");
  come_secured();
  take_sent();
  feed(made_by(write_authentication_cleartext));
  EXPECT_EQ(take_sent(), made_by(write_password, "tide"));
}

TEST_F(ServerLoginTest, APasswordIsGivenOnce) {
  port.login_rules.cleartext_allowed = true;
  start();
  feed(made_by(write_authentication_cleartext));
  take_sent();
  feed(made_by(write_authentication_cleartext));
  expect_failed("server_protocol_error transient", "out of its order");
  EXPECT_EQ(port.sent, "");
}

TEST_F(ServerLoginTest, Md5FromAPasswordAndFromItsStoredForm) {
  const auto expected = made_by(
      write_password, auth::md5_response(auth::md5_stored("alice", "tide"), as_bytes("salt")));
  start();
  feed(made_by(write_authentication_md5, as_bytes("salt")));
  EXPECT_EQ(take_sent(), expected);

  NotedServerPort other_port;
  other_port.login_rules.password = auth::md5_stored("alice", "tide");
  ServerLogin other(other_port);
  other.start(turn);
  other_port.sent.clear();
  other.from_server(as_bytes(made_by(write_authentication_md5, as_bytes("salt"))), turn);
  EXPECT_EQ(other_port.sent, expected);
}

TEST_F(ServerLoginTest, WithoutAPasswordTheOperatorIsTold) {
  port.login_rules.password = "";
  start();
  feed(made_by(write_authentication_md5, as_bytes("salt")));
  expect_failed("server_login_failed fatal", "none is configured");
}

TEST_F(ServerLoginTest, OtherMethodsAreNamed) {
  const std::pair<std::uint32_t, const char*> methods[] = {
      {2, "Kerberos 5"}, {6, "SCM"}, {7, "GSSAPI"}, {9, "SSPI"}, {77, "unknown method"}};
  for (const auto& [kind, method] : methods) {
    NotedServerPort fresh_port;
    ServerLogin fresh(fresh_port);
    fresh.start(turn);
    fresh.from_server(as_bytes(request(kind)), turn);
    EXPECT_THAT(fresh_port.calls, ElementsAre("failed server_login_failed fatal"));
    EXPECT_THAT(fresh_port.failure, HasSubstr(method));
  }
}

TEST_F(ServerLoginTest, OnlyUnknownSaslMechanisms) {
  start();
  feed(request(10, "SCRAM-SHA-512\0OAUTHBEARER\0\0"s));
  expect_failed("server_login_failed fatal", "no SASL mechanism");
}

TEST_F(ServerLoginTest, PlusAloneCannotBeUsedWithoutTls) {
  start();
  feed(request(10, "SCRAM-SHA-256-PLUS\0\0"s));
  expect_failed("server_login_failed fatal", "no SASL mechanism");
}

// --- SCRAM, step by step; a whole exchange stands in login_back_to_back_test.cc ---

class ServerLoginScram : public ServerLoginTest {
 protected:
  // Everything up to our proof. The server is real: auth::ScramServer with its password.
  void prove(std::string_view servers_password = "tide") {
    start();
    feed(made_by(write_authentication_sasl, false));
    server = std::make_unique<auth::ScramServer>(
        *auth::ScramVerifier::parse(verifier_text(servers_password)), Bytes{}, false);
    const auto first = take_sent().substr(kHeaderBytes + kScram.size() + 1 + 4);
    feed(made_by(write_authentication_sasl_continue,
                 *server->first(first, as_bytes("eighteen byte salt"))));
    ASSERT_EQ(login.state(), State::awaiting_keys);
    ASSERT_THAT(port.calls, ElementsAre("need_scram_keys"));
  }
  void give_keys() {
    login.scram_keys(derive_keys("tide", port.salt, port.iterations), turn);
    ASSERT_EQ(login.state(), State::sasl_final);
  }
  std::unique_ptr<auth::ScramServer> server;
};

TEST_F(ServerLoginScram, BothSidesProve) {
  prove();
  give_keys();
  feed(made_by(write_authentication_sasl_final, *server->final(take_sent().substr(kHeaderBytes))));
  EXPECT_EQ(login.state(), State::awaiting_ok);
  feed(kOk);
  EXPECT_EQ(login.state(), State::reporting);
}

TEST_F(ServerLoginScram, AServerWithAWrongProofIsAnImpostor) {
  prove();
  give_keys();
  feed(made_by(write_authentication_sasl_final, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
  expect_failed("server_login_failed fatal", "possible impostor");
}

TEST_F(ServerLoginScram, AServerThatSkipsItsProofIsAnImpostor) {
  prove();
  give_keys();
  feed(kOk);
  expect_failed("server_login_failed fatal", "possible impostor");
}

TEST_F(ServerLoginScram, AServerThatGivesUpTheExchangeIsAnImpostor) {
  start();
  feed(made_by(write_authentication_sasl, false));
  feed(kOk);
  expect_failed("server_login_failed fatal", "possible impostor");
}

TEST_F(ServerLoginScram, ARefusedProofIsTheEnd) {
  prove();
  give_keys();
  feed(fatal("28P01", "password authentication failed for user \"alice\""));
  expect_failed("server_login_failed fatal", "password authentication failed");
}

TEST_F(ServerLoginScram, TheServerMayGoWhileKeysAreMade) {
  prove();
  feed(fatal("57P01", "terminating connection"));
  expect_failed("server_shutdown transient", "terminating connection");
  login.scram_keys({}, turn);
  EXPECT_EQ(login.state(), State::failed);
}

TEST_F(ServerLoginScram, Trap23IterationBombsAreRefused) {
  start();
  feed(made_by(write_authentication_sasl, false));
  const auto nonce = take_sent().substr(kHeaderBytes + kScram.size() + 1 + 4 + 8);
  feed(made_by(write_authentication_sasl_continue, "r=" + nonce + "x,s=c2FsdA==,i=2000000"));
  expect_failed("server_login_failed fatal", "iterations");
}

TEST_F(ServerLoginScram, AForeignNonceIsRefused) {
  start();
  feed(made_by(write_authentication_sasl, false));
  feed(made_by(write_authentication_sasl_continue, "r=abc,s=c2FsdA==,i=4096"));
  expect_failed("server_protocol_error transient", "nonce");
}

TEST_F(ServerLoginScram, TheFlagSaysWhatWeKnowOfChannelBinding) {
  const auto flag = [&](bool wanted, bool offered) {
    NotedServerPort fresh_port;
    fresh_port.login_rules.tls_wanted = true;
    fresh_port.login_rules.channel_binding_wanted = wanted;
    ServerLogin fresh(fresh_port);
    fresh.start(turn);
    fresh.from_server(as_bytes("S"), turn);
    fresh.secured({.channel_binding = {1, 2, 3}}, turn);
    fresh_port.sent.clear();
    fresh.from_server(as_bytes(made_by(write_authentication_sasl, offered)), turn);
    ByteReader reader(as_bytes(fresh_port.sent).subspan(kHeaderBytes));
    const std::string mechanism(reader.cstring());
    reader.be32();
    return mechanism + " " + static_cast<char>(reader.u8());
  };
  EXPECT_EQ(flag(true, true), "SCRAM-SHA-256-PLUS p");
  EXPECT_EQ(flag(true, false), "SCRAM-SHA-256 y");
  EXPECT_EQ(flag(false, true), "SCRAM-SHA-256 n");
  EXPECT_EQ(flag(false, false), "SCRAM-SHA-256 n");
}

// --- What the server reports ---

TEST_F(ServerLoginTest, ReportsAreCollectedAndLaterValuesReplace) {
  start();
  const auto rest = "rest of the relay"s;
  const auto login_bytes = kOk + made_by(write_parameter_status, "server_version", "15.1") +
                           made_by(write_parameter_status, "TimeZone", "UTC") +
                           made_by(write_parameter_status, "server_version", "15.2") +
                           made_by(write_backend_key_data, 4711U, 0x01020304U) + kIdle;
  EXPECT_EQ(feed(login_bytes + rest), login_bytes.size());
  EXPECT_EQ(login.state(), State::done);
  EXPECT_EQ(login.reported(), (Parameters{{"server_version", "15.2"}, {"TimeZone", "UTC"}}));
  EXPECT_EQ(login.process_id(), 4711U);
  EXPECT_EQ(hex(login.cancel_key()), "01020304");
  EXPECT_TRUE(port.calls.empty());  // login_done() is the owner's
}

TEST_F(ServerLoginTest, ACancelKeyMayBeLong) {
  start();
  const auto key_data = [](std::size_t size) {
    return "K"s + made_by([&](ByteBuffer& out) {
             ByteWriter(out)
                 .be32(static_cast<std::uint32_t>(8 + size))
                 .be32(7)
                 .text(std::string(size, 'k'));
           });
  };
  feed(kOk + key_data(256));
  EXPECT_EQ(login.cancel_key().size(), 256U);
  feed(key_data(257));
  expect_failed("server_protocol_error transient", "BackendKeyData");
}

TEST_F(ServerLoginTest, NoticesAreLoggedAndNegotiationIsTolerated) {
  start();
  const auto notice = made_by(
      [](ByteBuffer& out) { write_notice(out, {.severity = "WARNING", .message = "hello"}); });
  feed(notice);
  feed(made_by(write_negotiate_protocol_version, kProtocol30, std::vector<std::string>{}));
  feed(kOk + notice + kIdle);
  EXPECT_EQ(login.state(), State::done);
  EXPECT_EQ(port.noted_log.events.size(), 2U);
}

TEST_F(ServerLoginTest, ANoticeMayHaveNoMessage) {
  start();
  feed("N\0\0\0\x05\0"s + kOk);
  EXPECT_EQ(login.state(), State::reporting);
}

TEST_F(ServerLoginTest, AServerMustBeIdleWhenItIsReady) {
  start();
  feed(kOk + made_by(write_ready_for_query, 'T'));
  expect_failed("server_protocol_error transient", "not idle");
}

TEST_F(ServerLoginTest, MessagesOutOfTheirOrder) {
  const auto failure_after = [&](const std::string& bytes) {
    NotedServerPort fresh_port;
    ServerLogin fresh(fresh_port);
    fresh.start(turn);
    fresh.from_server(as_bytes(bytes), turn);
    EXPECT_EQ(fresh.state(), State::failed);
    return fresh_port.failure;
  };
  EXPECT_EQ(failure_after(kIdle), "message 'Z' before AuthenticationOk");
  EXPECT_EQ(failure_after(kOk + kOk), "message 'R' before ReadyForQuery");
  EXPECT_EQ(failure_after(kOk + "\x01\0\0\0\x04"s), "message 0x01 before ReadyForQuery");
  EXPECT_THAT(failure_after(request(11, "r=1")), HasSubstr("unknown method"));
  EXPECT_THAT(failure_after("R\0\0\0\x06\0\0"s), HasSubstr("malformed authentication request"));
  EXPECT_THAT(failure_after(kOk + "S\0\0\0\x06"
                                  "ab"s),
              HasSubstr("ParameterStatus"));
  EXPECT_THAT(failure_after("E\0\0\0\x06"
                            "ab"s),
              HasSubstr("ErrorResponse"));
}

TEST_F(ServerLoginTest, Trap18ALoginMessageHasALimit) {
  start();
  feed("R\0\x01\0\x05"s);
  expect_failed("server_protocol_error transient", "65536 bytes");
}

TEST_F(ServerLoginTest, Trap18ALengthCannotBeNegative) {
  start();
  feed("R\xff\xff\xff\xff"s);
  expect_failed("server_protocol_error transient", "length");
}

TEST_F(ServerLoginTest, ReportsHaveALimit) {
  start();
  feed(kOk);
  for (int i = 0; i < 256; ++i) feed(made_by(write_parameter_status, std::to_string(i), "x"));
  EXPECT_EQ(login.state(), State::reporting);
  feed(made_by(write_parameter_status, "one more", "x"));
  expect_failed("server_protocol_error transient", "256");
}

// --- Errors ---

TEST_F(ServerLoginTest, WhichErrorsAreWorthAnotherTry) {
  const std::pair<const char*, const char*> verdicts[] = {
      {"28P01", "failed server_login_failed fatal"},
      {"28000", "failed server_login_failed fatal"},
      {"3D000", "failed server_login_failed fatal"},
      {"42501", "failed server_login_failed fatal"},
      {"57P03", "failed server_shutdown transient"},
      {"57P01", "failed server_shutdown transient"},
      {"28P02", "failed server_login_failed fatal"},
      {"42704", "failed server_login_failed fatal"},
      {"22023", "failed server_login_failed fatal"},
      {"55000", "failed server_login_failed fatal"},
      {"53300", "failed server_login_failed transient"},
      {"", "failed server_login_failed transient"},
      {"XX000", "failed server_login_failed transient"},
  };
  for (const auto& [sqlstate, call] : verdicts) {
    NotedServerPort fresh_port;
    ServerLogin fresh(fresh_port);
    fresh.start(turn);
    fresh.from_server(as_bytes(fatal(sqlstate, "the server's words")), turn);
    EXPECT_THAT(fresh_port.calls, ElementsAre(call));
    EXPECT_EQ(fresh_port.failure, "the server's words");
  }
}

TEST_F(ServerLoginTest, WhatTheDatabaseSaysIsKeptWithACodeAndAHint) {
  start();
  feed(fatal("28P01", "password authentication failed for user \"alice\""));
  EXPECT_EQ(port.last_failure.sqlstate, "28P01");
  EXPECT_EQ(port.last_failure.detail, "password authentication failed for user \"alice\"");
  EXPECT_EQ(port.last_failure.setback, Setback::of_route);
  EXPECT_THAT(port.last_failure.hint, HasSubstr("not about those that the client sent"));
}

// 53300 is said by several places of PostgreSQL; its words are translated, their names are not.
TEST_F(ServerLoginTest, WhoseConnectionsAreTooMany) {
  const std::pair<const char*, Setback> places[] = {
      {"InitializeSessionUserId", Setback::passing_of_route},  // CONNECTION LIMIT of the role
      {"CheckMyDatabase", Setback::passing_of_route},          // ... of the database
      {"InitProcess", Setback::passing},                       // max_connections
      {"ProcArrayAdd", Setback::passing},
      {"ProcessStartupPacket", Setback::passing},
      {"InitPostgres", Setback::passing},  // what is left is reserved
      {"SomethingNew", Setback::passing},
  };
  for (const auto& [routine, setback] : places) {
    NotedServerPort fresh_port;
    ServerLogin fresh(fresh_port);
    fresh.start(turn);
    const auto body =
        fmt::format("SFATAL{0}VFATAL{0}C53300{0}MZu viele{0}R{1}{0}{0}", '\0', routine);
    ByteBuffer error;
    ByteWriter(error).u8('E').be32(static_cast<std::uint32_t>(4 + body.size())).text(body);
    fresh.from_server(error, turn);
    EXPECT_EQ(fresh_port.last_failure.setback, setback) << routine;
    EXPECT_EQ(fresh_port.last_failure.hint.find("`budget`") == std::string::npos,
              setback == Setback::passing_of_route);
  }
}

TEST_F(ServerLoginTest, AServerWithoutTlsIsSoForEverybody) {
  port.login_rules.tls_wanted = port.login_rules.tls_required = true;
  start();
  feed("N");
  EXPECT_EQ(port.last_failure.setback, Setback::of_upstream);
  EXPECT_EQ(port.last_failure.sqlstate, "");
}

TEST_F(ServerLoginTest, AnErrorMayComeAfterAuthenticationOk) {
  start();
  feed(kOk + fatal("3D000", "database \"shop\" does not exist") + kIdle);
  expect_failed("server_login_failed fatal", "does not exist");
  EXPECT_EQ(port.calls.size(), 1U);
}

}  // namespace
}  // namespace tidegate::postgres
