// ClientLogin against a port that only takes notes; the test is the proxy.
#include "postgres/client_login.h"

#include <gmock/gmock.h>

#include "auth/md5.h"
#include "postgres/login_testing.h"

namespace tidegate::postgres {
namespace {

using namespace std::string_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = ClientLogin::State;

const auto kSsl = made_by(write_ssl_request);
const auto kGss = "\0\0\0\x08\x04\xd2\x16\x30"s;
const auto kAlice = startup_packet({{"user", "alice"}, {"database", "shop"}});

class ClientLoginTest : public ::testing::Test {
 protected:
  // Gives how many bytes were taken.
  std::size_t feed(std::string_view bytes) { return login.from_client(as_bytes(bytes), turn); }
  void come_secured(std::string_view alpn = "") {
    login.secured({.version = "TLSv1.3", .alpn = std::string(alpn), .channel_binding = binding},
                  turn);
  }
  void find(const session::Secret& secret) { login.secret_found(secret, turn); }
  std::string take_sent() { return std::exchange(port.sent, {}); }
  // What was sent is exactly one FATAL error.
  void expect_fatal(std::string_view sqlstate, std::string_view message) {
    const auto wire = take_sent();
    MessageHeader header;
    ASSERT_EQ(read_header(as_bytes(wire), header), HeaderRead::ok);
    ASSERT_EQ(header.type, 'E');
    const auto error = read_error(as_bytes(wire).subspan(kHeaderBytes));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->severity, "FATAL");
    EXPECT_EQ(error->sqlstate, sqlstate);
    EXPECT_THAT(std::string(error->message), HasSubstr(std::string(message)));
    EXPECT_EQ(login.state(), State::finished);
    EXPECT_FALSE(login.wants_input());
  }

  NotedClientPort port;
  ClientLogin login{port};
  ScriptedEntropy entropy;
  session::Turn turn{Instant{}, WallTime{}, entropy};
  std::vector<std::uint8_t> binding = {1, 2, 3};
};

// --- Before anybody is known ---

TEST_F(ClientLoginTest, AStartupAsksForTheSecretAndWaits) {
  EXPECT_EQ(feed(kAlice + "p"), kAlice.size());
  EXPECT_EQ(login.state(), State::awaiting_secret);
  EXPECT_FALSE(login.wants_input());
  EXPECT_THAT(port.calls, ElementsAre("need_secret alice shop"));
  EXPECT_EQ(port.sent, "");
}

TEST_F(ClientLoginTest, AReplicationConnectionIsRefusedBeforeAnybodyIsAsked) {
  feed(startup_packet({{"user", "alice"}, {"replication", "database"}}));
  EXPECT_THAT(port.calls, ::testing::Not(::testing::Contains(HasSubstr("need_secret"))));
  expect_fatal("0A000", "directly, past the pooler");
}

TEST_F(ClientLoginTest, WhoLeavesBeforeAnyWordIsLetGoWithoutOne) {
  EXPECT_EQ(feed("X\0\0\0\4"s), 5U);
  EXPECT_THAT(port.calls, ElementsAre("close client_gone now"));
  EXPECT_EQ(port.sent, "");
}

TEST_F(ClientLoginTest, OneByteAtATime) {
  for (const char byte : kAlice) EXPECT_EQ(feed({&byte, 1}), 1U);
  EXPECT_THAT(port.calls, ElementsAre("need_secret alice shop"));
}

TEST_F(ClientLoginTest, Trap18ALengthIsJudgedBeforeAnythingElse) {
  for (const auto& length : {"\xff\xff\xff\xff"s, "\x7f\xff\xff\xff"s, "GET "s, "\0\0\0\x07"s,
                             "\0\0\0\0"s, "\0\0\x27\x15"s}) {
    NotedClientPort fresh_port;
    ClientLogin fresh(fresh_port);
    fresh.from_client(as_bytes(length), turn);
    EXPECT_THAT(fresh_port.calls, ElementsAre("close bad_startup flush"));
    EXPECT_EQ(fresh.state(), State::finished);
  }
}

TEST_F(ClientLoginTest, Trap18TheLongestStartupPacketIsTaken) {
  const auto bare = startup_packet({{"user", "a"}, {"x", ""}}).size();
  const auto longest = kStartupBytesMax + 4;
  const auto packet = startup_packet({{"user", "a"}, {"x", std::string(longest - bare, 'v')}});
  ASSERT_EQ(packet.size(), longest);
  EXPECT_EQ(feed(packet), longest);
  EXPECT_THAT(port.calls, ElementsAre("need_secret a a"));
}

TEST_F(ClientLoginTest, AMalformedStartupIsRefused) {
  feed("\0\0\0\x0c\0\x03\0\0user"s);
  expect_fatal("08P01", "startup packet is malformed");
}

TEST_F(ClientLoginTest, NobodyIsRefusedLikePostgresqlDoes) {
  feed(startup_packet({{"database", "shop"}}));
  expect_fatal("28000", "names no user");
}

TEST_F(ClientLoginTest, AnUnknownSwitchInOptionsIsNamed) {
  feed(startup_packet({{"user", "a"}, {"options", "-c x=1 -B 100"}}));
  expect_fatal("08P01", "\"-B\"");
}

TEST_F(ClientLoginTest, AfterARefusalEverythingIsSwallowed) {
  feed("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(feed(kAlice), kAlice.size());
  EXPECT_THAT(port.calls, ElementsAre("close bad_startup flush"));
}

TEST_F(ClientLoginTest, DismissedWithItsReason) {
  feed(kAlice);
  login.dismiss(Reason::login_timeout);
  expect_fatal("08P01", "client_login_timeout");
  login.dismiss(Reason::login_timeout);
  EXPECT_EQ(port.sent, "");
}

// --- TLS and GSSAPI ---

TEST_F(ClientLoginTest, TlsIsRefusedWithN) {
  feed(kSsl);
  EXPECT_EQ(take_sent(), "N");
  feed(kAlice);
  EXPECT_THAT(port.calls, ElementsAre("need_secret alice shop"));
}

TEST_F(ClientLoginTest, TlsIsAnsweredAndThenTheStartupComes) {
  port.has_tls = port.needs_tls = true;
  feed(kSsl);
  EXPECT_EQ(take_sent(), "S");
  EXPECT_EQ(login.state(), State::securing);
  EXPECT_FALSE(login.wants_input());
  come_secured();
  feed(kAlice);
  EXPECT_THAT(port.calls, ElementsAre("start_tls", "need_secret alice shop"));
}

TEST_F(ClientLoginTest, Trap21DataInTheSameReadAsSslRequestIsNeverProcessed) {
  port.has_tls = true;
  EXPECT_EQ(feed(kSsl + kAlice), kSsl.size() + kAlice.size());
  EXPECT_EQ(port.sent, "S");
  EXPECT_THAT(port.calls, ElementsAre("start_tls", "close early_data now"));
}

TEST_F(ClientLoginTest, Trap21DataBetweenSslRequestAndTlsIsNeverProcessed) {
  port.has_tls = true;
  feed(kSsl);
  feed("\0"s);
  EXPECT_THAT(port.calls, ElementsAre("start_tls", "close early_data now"));
  come_secured();
  feed(kAlice);
  EXPECT_THAT(port.calls, ElementsAre("start_tls", "close early_data now"));
}

TEST_F(ClientLoginTest, NothingIsSaidInClearWhileTlsBegins) {
  port.has_tls = true;
  feed(kSsl);
  take_sent();
  login.dismiss(Reason::login_timeout);
  EXPECT_EQ(port.sent, "");
  EXPECT_THAT(port.calls, ElementsAre("start_tls", "close login_timeout now"));
}

TEST_F(ClientLoginTest, SslRequestComesAtMostOnce) {
  feed(kSsl);
  take_sent();
  feed(kSsl);
  expect_fatal("08P01", "twice");
}

TEST_F(ClientLoginTest, SslRequestDoesNotComeInsideTls) {
  port.has_tls = true;
  feed(kSsl);
  come_secured();
  take_sent();
  feed(kSsl);
  expect_fatal("08P01", "twice");
}

TEST_F(ClientLoginTest, SslRequestIsEightBytes) {
  feed("\0\0\0\x09\x04\xd2\x16\x2fx"s);
  expect_fatal("08P01", "8 bytes");
}

TEST_F(ClientLoginTest, Trap21GssencIsRefusedAndTlsMayFollow) {
  port.has_tls = true;
  feed(kGss);
  EXPECT_EQ(take_sent(), "N");
  feed(kSsl);
  EXPECT_EQ(take_sent(), "S");
}

TEST_F(ClientLoginTest, GssencComesAtMostOnce) {
  feed(kGss);
  take_sent();
  feed(kGss);
  expect_fatal("08P01", "GSSAPI");
}

TEST_F(ClientLoginTest, Trap21DirectTlsNeedsAlpn) {
  come_secured("");
  expect_fatal("08P01", "ALPN");
}

TEST_F(ClientLoginTest, Trap21DirectTlsWithAlpn) {
  port.needs_tls = true;
  come_secured("postgresql");
  feed(kAlice);
  EXPECT_THAT(port.calls, ElementsAre("need_secret alice shop"));
}

TEST_F(ClientLoginTest, DirectTlsTakesNoSslRequest) {
  port.has_tls = true;
  come_secured("postgresql");
  feed(kSsl);
  expect_fatal("08P01", "twice");
}

TEST_F(ClientLoginTest, AListenerThatRequiresTlsSaysSo) {
  port.needs_tls = true;
  feed(kAlice);
  expect_fatal("28000", "TLS connections only");
  EXPECT_EQ(port.introduced_as, "alice@shop") << "so that the log can say who was refused";
}

// --- Cancel ---

TEST_F(ClientLoginTest, ACancelRequestIsPassedOnAndTheConnectionEnds) {
  feed(made_by(write_cancel_request, 7U, as_bytes("\x01\x02\x03\x04")));
  EXPECT_THAT(port.calls, ElementsAre("cancel 7 01020304", "close none flush"));
  EXPECT_EQ(port.sent, "");
}

TEST_F(ClientLoginTest, ACancelKeyMayHaveFourTo256Bytes) {
  for (const std::size_t size : {3, 4, 256, 257}) {
    NotedClientPort fresh_port;
    ClientLogin fresh(fresh_port);
    const auto request = made_by(write_cancel_request, 7U, as_bytes(std::string(size, 'k')));
    fresh.from_client(as_bytes(request), turn);
    const bool fits = size >= 4 && size <= 256;
    EXPECT_EQ(fresh_port.calls.back(), fits ? "close none flush" : "close bad_startup flush");
  }
}

// --- Versions ---

std::string startup_of_version(std::string version, const Parameters& parameters) {
  return startup_packet(parameters).replace(4, 4, version);
}

TEST_F(ClientLoginTest, Trap30ANewerMinorVersionIsNegotiatedOnce) {
  const auto packet = startup_of_version("\0\x03\x0f\x9f"s,
                                         {{"user", "a"}, {"_pq_.test_protocol_negotiation", ""}});
  feed(packet);
  EXPECT_EQ(take_sent(), made_by(write_negotiate_protocol_version, kProtocol30,
                                 std::vector<std::string>{"_pq_.test_protocol_negotiation"}));
  EXPECT_THAT(port.calls, ElementsAre("need_secret a a"));
  find({.known = true, .trust = true});
  EXPECT_EQ(take_sent(), made_by(write_authentication_ok));
}

TEST_F(ClientLoginTest, Trap30ProtocolOptionsAloneAreNegotiatedToo) {
  feed(startup_packet({{"user", "a"}, {"_pq_.x", "1"}}));
  EXPECT_EQ(take_sent(), made_by(write_negotiate_protocol_version, kProtocol30,
                                 std::vector<std::string>{"_pq_.x"}));
}

TEST_F(ClientLoginTest, Trap30OtherMajorVersionsAreRefused) {
  feed(startup_of_version("\0\x04\0\0"s, {{"user", "a"}}));
  expect_fatal("0A000", "use PostgreSQL protocol 3");
}

TEST_F(ClientLoginTest, AProtocol2ClientCanReadTheRefusal) {
  feed(startup_of_version("\0\x02\0\0"s, {{"user", "a"}}));
  EXPECT_TRUE(port.sent.starts_with("EFATAL:  this protocol version"));
  EXPECT_TRUE(port.sent.ends_with("\n\0"s));
  EXPECT_THAT(port.calls, ElementsAre("close unsupported_protocol flush"));
}

// --- The password ---

TEST_F(ClientLoginTest, TrustIsWrittenDownAndNeedsNoPassword) {
  feed(kAlice);
  find({.known = true, .trust = true});
  EXPECT_EQ(login.state(), State::admitted);
  EXPECT_EQ(take_sent(), made_by(write_authentication_ok));
  EXPECT_EQ(feed("Q"), 0U);  // the relay's
  EXPECT_EQ(login.startup().user, "alice");
}

TEST_F(ClientLoginTest, ARefusedAdmissionSaysWhy) {
  port.destination = {.refusal = Reason::clients_full, .refusal_detail = "limit 100"};
  feed(kAlice);
  find({.known = true, .trust = true});
  expect_fatal("53300", std::string(info(Reason::clients_full).text) + " (limit 100)");
  EXPECT_EQ(port.calls.back(), "close clients_full flush");
}

TEST_F(ClientLoginTest, Md5TheRightAndTheWrongPassword) {
  const session::Secret secret = {.known = true, .md5 = auth::md5_stored("alice", "tide")};
  feed(kAlice);
  find(secret);
  const auto salt = "\x01\x02\x03\x04"s;
  EXPECT_EQ(take_sent(), made_by(write_authentication_md5, as_bytes(salt)));
  const auto response = auth::md5_response(secret.md5, as_bytes(salt));
  feed(made_by(write_password, response));
  EXPECT_EQ(login.state(), State::admitted);
}

TEST_F(ClientLoginTest, Md5OverAnotherSaltIsWrong) {
  const session::Secret secret = {.known = true, .md5 = auth::md5_stored("alice", "tide")};
  feed(kAlice);
  find(secret);
  take_sent();
  feed(made_by(write_password, auth::md5_response(secret.md5, as_bytes("salt"))));
  expect_fatal("28P01", "password authentication failed");
}

TEST_F(ClientLoginTest, CleartextNeedsTlsOrPermission) {
  const session::Secret secret = {.known = true, .password = "tide"};
  feed(kAlice);
  find(secret);
  expect_fatal("28000", "over TLS only");
}

TEST_F(ClientLoginTest, CleartextWhenAllowed) {
  port.allows_cleartext = true;
  feed(kAlice);
  find({.known = true, .password = "tide"});
  EXPECT_EQ(take_sent(), made_by(write_authentication_cleartext));
  feed(made_by(write_password, "tide"));
  EXPECT_THAT(port.calls, ElementsAre("need_secret alice shop", "admit alice shop"));
}

TEST_F(ClientLoginTest, CleartextOverTls) {
  come_secured("postgresql");
  feed(kAlice);
  find({.known = true, .password = "tide"});
  EXPECT_EQ(take_sent(), made_by(write_authentication_cleartext));
  feed(made_by(write_password, "ebb"));
  expect_fatal("28P01", "(user \"alice\")");
}

TEST_F(ClientLoginTest, AnEmptyPasswordIsNoPasswordWhateverIsStored) {
  port.allows_cleartext = true;
  feed(kAlice);
  find({.known = true});
  take_sent();
  feed(made_by(write_password, ""));
  expect_fatal("28P01", "sent no password");
}

TEST_F(ClientLoginTest, AnUnknownUserIsNeverAdmitted) {
  port.allows_cleartext = true;
  feed(kAlice);
  find({.known = false, .trust = true, .password = "tide"});
  take_sent();
  feed(made_by(write_password, "tide"));
  expect_fatal("28P01", "password authentication failed");
}

TEST_F(ClientLoginTest, OnlyPasswordMessagesAreTaken) {
  port.allows_cleartext = true;
  feed(kAlice);
  find({.known = true, .password = "tide"});
  take_sent();
  feed("Q");
  expect_fatal("08P01", "a password message was expected");
}

TEST_F(ClientLoginTest, APasswordMessageIsOneText) {
  for (const auto& body : {"tide"s, "ti\0de\0"s, ""s}) {
    NotedClientPort fresh_port;
    fresh_port.allows_cleartext = true;
    ClientLogin fresh(fresh_port);
    fresh.from_client(as_bytes(kAlice), turn);
    fresh.secret_found({.known = true, .password = "tide"}, turn);
    const auto message = made_by(write_sasl_response, body);
    fresh.from_client(as_bytes(message), turn);
    EXPECT_EQ(fresh_port.calls.back(), "close protocol_violation flush");
  }
}

TEST_F(ClientLoginTest, Trap18PasswordsHaveALimitThatIsJudgedByTheHeader) {
  port.allows_cleartext = true;
  feed(kAlice);
  find({.known = true, .password = "tide"});
  take_sent();
  feed("p\0\x01\0\x05"s);
  expect_fatal("54000", "65536 bytes");
}

TEST_F(ClientLoginTest, ATokenOf64KilobytesFits) {
  port.allows_cleartext = true;
  const std::string token(64 * 1024 - 1, 't');
  feed(kAlice);
  find({.known = true, .password = token});
  feed(made_by(write_password, token));
  EXPECT_EQ(login.state(), State::admitted);
}

// --- SCRAM; a whole exchange stands in login_back_to_back_test.cc ---

TEST_F(ClientLoginTest, PlusIsOfferedOnlyWithABinding) {
  const session::Secret secret = {.known = true, .scram_verifier = verifier_text("tide")};
  feed(kAlice);
  find(secret);
  EXPECT_EQ(take_sent(), made_by(write_authentication_sasl, false));
}

TEST_F(ClientLoginTest, PlusIsOfferedOverTls) {
  come_secured("postgresql");
  feed(kAlice);
  find({.known = true, .scram_verifier = verifier_text("tide")});
  EXPECT_EQ(take_sent(), made_by(write_authentication_sasl, true));
}

TEST_F(ClientLoginTest, PlusCannotBeChosenWhenItWasNotOffered) {
  feed(kAlice);
  find({.known = true, .scram_verifier = verifier_text("tide")});
  take_sent();
  feed(made_by(write_sasl_initial, kScramPlus, "p=tls-server-end-point,,n=,r=abc"));
  expect_fatal("08P01", "mechanism was not offered");
}

TEST_F(ClientLoginTest, UnknownMechanismsAreRefused) {
  feed(kAlice);
  find({.known = true, .scram_verifier = verifier_text("tide")});
  take_sent();
  feed(made_by(write_sasl_initial, "SCRAM-SHA-1", "n,,n=,r=abc"));
  expect_fatal("08P01", "mechanism was not offered");
}

TEST_F(ClientLoginTest, Trap23ADowngradeIsNoticed) {
  come_secured("postgresql");
  feed(kAlice);
  find({.known = true, .scram_verifier = verifier_text("tide")});
  take_sent();
  feed(made_by(write_sasl_initial, kScram, "y,,n=,r=abc"));  // "you offered no PLUS": we did
  expect_fatal("08P01", "channel binding does not match");
}

TEST_F(ClientLoginTest, AnInitialResponseWithoutDataIsMalformed) {
  feed(kAlice);
  find({.known = true, .scram_verifier = verifier_text("tide")});
  take_sent();
  feed("p\0\0\0\x16SCRAM-SHA-256\0\xff\xff\xff\xff"s);
  expect_fatal("08P01", "SASLInitialResponse");
}

TEST_F(ClientLoginTest, ADamagedStoredSecretIsTheOperatorsFault) {
  feed(kAlice);
  find({.known = true, .scram_verifier = "SCRAM-SHA-256$nonsense"});
  expect_fatal("28000", "damaged");
}

TEST_F(ClientLoginTest, SaslMessagesHaveASmallerLimit) {
  feed(kAlice);
  find({.known = true, .scram_verifier = verifier_text("tide")});
  take_sent();
  feed("p\0\0\x20\x05"s);
  expect_fatal("54000", "8192 bytes");
}

TEST_F(ClientLoginTest, ALateSecretChangesNothing) {
  feed("GET ");
  take_sent();
  find({.known = true, .trust = true});
  EXPECT_EQ(port.sent, "");
  EXPECT_EQ(login.state(), State::finished);
}

}  // namespace
}  // namespace tidegate::postgres
