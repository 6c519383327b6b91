// TLS through the reactor, both sides; and the contexts that it needs.
#include "net/tls.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <csignal>
#include <thread>

#include "net/file_descriptor.h"
#include "net/parcel.h"
#include "net/stream_test_support.h"
#include "net/test_certificates.h"

namespace tidegate::net {
namespace {

using testing::HasSubstr;

class TlsTest : public ReactorTest {
 protected:
  void secure(TlsContextRef server, TlsContextRef client, const std::string& name = "db.test") {
    reactor_->start_tls_server(server_id_, std::move(server), {});
    reactor_->start_tls_client(client_id_, std::move(client), name);
  }
  bool run_until_secured() {
    return run_until([&] { return client_.secured && server_.secured; });
  }
  // Both ends in the clear no more.
  void join_secured(const TlsSettings& client = {}) {
    join();
    secure(server_context(), *make_client_tls(client));
    ASSERT_TRUE(run_until_secured());
  }
  TlsContextRef server_context() {
    auto made = make_server_tls(authority_.issue("db", "DNS:db.test,IP:127.0.0.1"));
    EXPECT_TRUE(made.has_value()) << made.error();
    return *made;
  }

  TestAuthority authority_;
};

TEST_F(TlsTest, BothSidesLearnWhatWasAgreed) {
  join_secured();
  EXPECT_TRUE(reactor_->is_secured(client_id_));
  EXPECT_EQ(server_.secured->version, "TLSv1.3");
  EXPECT_EQ(server_.secured->cipher, client_.secured->cipher);
  EXPECT_EQ(server_.secured->sni, "db.test");
  EXPECT_EQ(server_.secured->alpn, "");
  EXPECT_EQ(client_.secured->peer_common_name, "db");
  EXPECT_EQ(client_.secured->channel_binding.size(), 32u);
  EXPECT_EQ(client_.secured->channel_binding, server_.secured->channel_binding);
}

TEST_F(TlsTest, SmallWritesOfATurnShareARecordAndASend) {
  join_secured();
  run_quietly();
  const auto before = reactor_->counters();
  for (int i = 0; i < 10; ++i) reactor_->write(client_id_, as_bytes("piece "));
  ASSERT_TRUE(run_until([&] { return server_.text.size() == 60; }));
  EXPECT_EQ(server_.arrivals, 1);
  EXPECT_EQ(reactor_->counters().sends - before.sends, 1u);
  EXPECT_EQ(reactor_->counters().receives - before.receives, 1u);
}

TEST_F(TlsTest, ClearBytesQueuedBeforeGoFirst) {
  join();
  client_.on_bytes = [&](StreamId id, Bytes) {
    reactor_->start_tls_client(id, *make_client_tls({}), "db.test");
  };
  reactor_->write(server_id_, as_bytes("S"));
  reactor_->start_tls_server(server_id_, server_context(), {});
  ASSERT_TRUE(run_until_secured());
  EXPECT_EQ(client_.text, "S");
}

TEST_F(TlsTest, WritesBeforeTheHandshakeEndsAreKept) {
  join();
  secure(server_context(), *make_client_tls({}));
  reactor_->write(client_id_, as_bytes("early"));
  reactor_->write(server_id_, as_bytes("bird"));
  ASSERT_TRUE(run_until([&] { return server_.text == "early" && client_.text == "bird"; }));
}

TEST_F(TlsTest, DirectTlsTakesBytesThatWereReadAlready) {
  join();
  const auto context = server_context();
  bool first = true;
  server_.on_bytes = [&](StreamId id, Bytes bytes) {
    if (!std::exchange(first, false)) return;
    EXPECT_EQ(bytes[0], 0x16);
    server_.text.clear();
    reactor_->start_tls_server(id, context, bytes);
  };
  reactor_->start_tls_client(client_id_, *make_client_tls({}), "db.test");
  ASSERT_TRUE(run_until_secured());
  reactor_->write(client_id_, as_bytes("hello"));
  ASSERT_TRUE(run_until([&] { return server_.text == "hello"; }));
}

TEST_F(TlsTest, EchoOfManyMegabytesWithBackPressure) {
  join_secured();
  const auto big = pattern(8'000'000);
  server_.on_bytes = [&](StreamId id, Bytes bytes) {
    reactor_->write(id, bytes);
    if (reactor_->queued(id) > Reactor::kHighWater) reactor_->pause_reading(id);
  };
  server_.on_drained = [&](StreamId id) { reactor_->resume_reading(id); };
  std::size_t written = 0;
  ASSERT_TRUE(run_until([&] {
    while (written < big.size() && reactor_->queued(client_id_) < Reactor::kHighWater) {
      const auto part = std::min<std::size_t>(written % 20'000 + 1, big.size() - written);
      reactor_->write(client_id_, as_bytes(big).subspan(written, part));
      written += part;
    }
    return client_.text.size() == big.size();
  }));
  EXPECT_TRUE(client_.text == big);
}

TEST_F(TlsTest, WritingFromInsideBytesArrivedLeavesTheBytesAlone) {
  join_secured();
  const auto big = pattern(40'000);
  server_.on_bytes = [&](StreamId id, Bytes bytes) {
    const std::string before(as_text(bytes));
    reactor_->write(id, as_bytes("small"));
    reactor_->write(id, as_bytes(big));
    EXPECT_TRUE(as_text(bytes) == before);
  };
  reactor_->write(client_id_, as_bytes(big));
  ASSERT_TRUE(run_until([&] { return server_.text.size() == big.size(); }));
  EXPECT_TRUE(server_.text == big);
}

TEST_F(TlsTest, PausedInTheMiddleOfManyRecords) {
  join_secured();
  const auto big = pattern(500'000);
  server_.on_bytes = [&](StreamId id, Bytes) { reactor_->pause_reading(id); };
  reactor_->write(client_id_, as_bytes(big));
  reactor_->close(client_id_, CloseMode::flush);
  ASSERT_TRUE(run_until([&] { return server_.arrivals == 1; }));
  ASSERT_TRUE(run_until([&] {
    const int before = server_.arrivals;
    run_quietly();
    EXPECT_EQ(server_.arrivals, before);  // nothing more while paused
    reactor_->resume_reading(server_id_);
    reactor_->run_once(*this, 0ms);
    return server_.text.size() == big.size();
  }));
  EXPECT_TRUE(server_.text == big);
  server_.on_bytes = nullptr;
  reactor_->resume_reading(server_id_);
  EXPECT_TRUE(run_until([&] { return server_.finished; }));
}

TEST_F(TlsTest, MovesWithRecordsThatWereReceivedAndNotRead) {
  join_secured();
  const auto big = pattern(300'000);
  StreamRecorder next;
  auto other = EpollReactor::make(*offload_);
  server_.on_bytes = [&](StreamId id, Bytes) {
    auto parcel = reactor_->detach(id);
    ASSERT_NE(parcel, nullptr);
    other->adopt(std::move(parcel), &next);
  };
  reactor_->write(client_id_, as_bytes(big));
  ASSERT_TRUE(run_until([&] {
    other->run_once(*this, 1ms);
    return server_.text.size() + next.text.size() == big.size();
  }));
  EXPECT_TRUE(server_.text + next.text == big);
  EXPECT_FALSE(next.text.empty());
  other.reset();
}

TEST_F(TlsTest, CloseSaysGoodbye) {
  join_secured();
  reactor_->write(client_id_, as_bytes("bye"));
  reactor_->close(client_id_, CloseMode::flush);
  ASSERT_TRUE(run_until([&] { return server_.finished; }));
  EXPECT_EQ(server_.text, "bye");
  EXPECT_FALSE(server_.closed);
}

TEST_F(TlsTest, PeerThatLeavesDuringTheHandshake) {
  join();
  reactor_->start_tls_server(server_id_, server_context(), {});
  reactor_->close(client_id_, CloseMode::now);
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_EQ(server_.closed, CloseReason::tls_failed);
}

TEST_F(TlsTest, NoiseInPlaceOfAHandshake) {
  join();
  reactor_->start_tls_server(server_id_, server_context(), {});
  reactor_->write(client_id_, as_bytes("GET / HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_EQ(server_.closed, CloseReason::tls_failed);
  EXPECT_NE(server_.detail, "");
}

TEST_F(TlsTest, NoiseAfterTheHandshake) {
  join_secured();
  run_quietly();
  // A record of the right shape that nobody encrypted, past the client's TLS.
  const auto noise = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  const auto parcel = reactor_->detach(client_id_);
  const auto& socket = dynamic_cast<SocketParcel&>(*parcel).socket;
  ASSERT_EQ(send(socket.get(), noise.data(), noise.size(), 0), std::ssize(noise));
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_EQ(server_.closed, CloseReason::tls_failed);
  EXPECT_THAT(server_.detail, HasSubstr("bad record mac"));
}

class VerifyTest : public TlsTest {
 protected:
  void connect(TlsSettings settings, const std::string& name) {
    settings.verify_peer = true;
    if (settings.ca_file.empty()) settings.ca_file = authority_.ca_file();
    auto context = make_client_tls(settings);
    ASSERT_TRUE(context.has_value()) << context.error();
    join();
    secure(server_context(), *context, name);
    ASSERT_TRUE(run_until([&] { return client_.closed || client_.secured; }));
  }
};

TEST_F(VerifyTest, VerifyCaIgnoresTheName) {
  connect({}, "other.test");
  EXPECT_TRUE(client_.secured);
}

TEST_F(VerifyTest, VerifyFullWantsTheName) {
  connect({.verify_name = true}, "db.test");
  EXPECT_TRUE(client_.secured);
}

TEST_F(VerifyTest, VerifyFullRefusesAnotherName) {
  connect({.verify_name = true}, "other.test");
  EXPECT_EQ(client_.closed, CloseReason::tls_rejected);
  EXPECT_THAT(client_.detail, HasSubstr("ostname mismatch"));
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_THAT(server_.detail, HasSubstr("alert"));
  EXPECT_EQ(server_.closed, CloseReason::tls_rejected) << "told by the peer's alert";
}

TEST_F(VerifyTest, VerifyFullMatchesLiteralAddresses) {
  connect({.verify_name = true}, "127.0.0.1");
  ASSERT_TRUE(client_.secured);
  ASSERT_TRUE(run_until([&] { return server_.secured.has_value(); }));
  EXPECT_EQ(server_.secured->sni, "");  // RFC 6066
}

TEST_F(VerifyTest, VerifyFullRefusesAnotherAddress) {
  connect({.verify_name = true}, "127.0.0.2");
  EXPECT_EQ(client_.closed, CloseReason::tls_rejected);
  EXPECT_THAT(client_.detail, HasSubstr("IP address mismatch"));
}

TEST_F(VerifyTest, AnotherAuthorityIsRefused) {
  const TestAuthority stranger;
  connect({.ca_file = stranger.ca_file()}, "db.test");
  EXPECT_EQ(client_.closed, CloseReason::tls_rejected);
  EXPECT_THAT(client_.detail, HasSubstr("certificate verify failed"));
}

TEST_F(TlsTest, ServerAsksForAClientCertificate) {
  auto settings = authority_.issue("db", "DNS:db.test");
  settings.verify_peer = true;
  settings.ca_file = authority_.ca_file();
  const auto server = make_server_tls(settings);
  ASSERT_TRUE(server.has_value()) << server.error();
  join();
  secure(*server, *make_client_tls(authority_.issue("alice", "DNS:alice")));
  ASSERT_TRUE(run_until_secured());
  EXPECT_EQ(server_.secured->peer_common_name, "alice");
}

TEST_F(TlsTest, ServerRefusesAClientWithoutCertificate) {
  auto settings = authority_.issue("db", "DNS:db.test");
  settings.verify_peer = true;
  settings.ca_file = authority_.ca_file();
  join();
  secure(*make_server_tls(settings), *make_client_tls({}));
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_EQ(server_.closed, CloseReason::tls_failed);
  EXPECT_THAT(server_.detail, HasSubstr("peer did not return a certificate"));
}

TEST_F(TlsTest, OlderVersionWithAChosenCipher) {
  auto settings = authority_.issue("db", "DNS:db.test");
  settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  auto old_only = make_client_tls({});
  SSL_CTX_set_max_proto_version((*old_only)->ctx.get(), TLS1_2_VERSION);
  join();
  secure(*make_server_tls(settings), *old_only);
  ASSERT_TRUE(run_until_secured());
  EXPECT_EQ(server_.secured->version, "TLSv1.2");
  EXPECT_EQ(server_.secured->cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_F(TlsTest, MinimumVersionRefusesOlder) {
  auto settings = authority_.issue("db", "DNS:db.test");
  settings.min_version = "1.3";
  auto old_only = make_client_tls({});
  SSL_CTX_set_max_proto_version((*old_only)->ctx.get(), TLS1_2_VERSION);
  join();
  secure(*make_server_tls(settings), *old_only);
  ASSERT_TRUE(run_until([&] { return server_.closed && client_.closed; }));
  EXPECT_THAT(server_.detail, HasSubstr("unsupported protocol"));
  EXPECT_THAT(client_.detail, HasSubstr("protocol version"));  // the alert arrived
}

TEST_F(TlsTest, SelfSignedServesAtOnce) {
  const auto context = make_self_signed_tls("localhost");
  ASSERT_TRUE(context.has_value()) << context.error();
  join();
  secure(*context, *make_client_tls({}));
  ASSERT_TRUE(run_until_secured());
  EXPECT_EQ(client_.secured->peer_common_name, "localhost");
  EXPECT_EQ(client_.secured->channel_binding, server_.secured->channel_binding);
}

TEST_F(TlsTest, ChannelBindingFollowsTheSignaturesHash) {
  join();
  secure(*make_server_tls(authority_.issue("db", "DNS:db.test", EVP_sha384())),
         *make_client_tls({}));
  ASSERT_TRUE(run_until_secured());
  EXPECT_EQ(client_.secured->channel_binding.size(), 48u);
  EXPECT_EQ(client_.secured->channel_binding, server_.secured->channel_binding);
}

// --- against OpenSSL's own client, in a thread ---

class OpensslClientTest : public TlsTest {
 protected:
  // Connects, runs `talk` with the SSL in a thread, and turns the reactor meanwhile.
  void run_client(SSL_CTX* ctx, const std::function<void(SSL*)>& talk) {
    std::atomic<bool> done = false;
    const FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::thread client([&] {
      const auto& to = listener_->address();
      if (client_window_ > 0) {
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &client_window_, sizeof client_window_);
      }
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length);
      SSL* ssl = SSL_new(ctx);
      SSL_set_fd(ssl, fd.get());
      talk(ssl);
      SSL_free(ssl);
      done = true;
    });
    const bool in_time = run_until([&] {
      server_has_heard_ = server_.arrivals > 0 || server_.closed;
      server_has_heard_.notify_all();
      ++turns_;
      turns_.notify_all();
      return done.load();
    });
    EXPECT_TRUE(in_time);
    if (!in_time) ::shutdown(fd.get(), SHUT_RDWR);  // nobody answers any more
    client.join();
  }
  void accepted(ListenerId, ParcelPtr parcel, const Address&, const Address&) override {
    server_ = {};
    server_.on_secured = [this](StreamId id) { reactor_->write(id, as_bytes(greeting_)); };
    if (server_text_echoed_) {
      server_.on_bytes = [this](StreamId id, Bytes bytes) { reactor_->write(id, bytes); };
    }
    server_id_ = reactor_->adopt(std::move(parcel), &server_);
    reactor_->start_tls_server(server_id_, context_, {});
  }

  // Several that are read at once have one answer: a client that waits for none asks once a turn.
  static constexpr int kKeysAsked = 100'000;
  static constexpr int kKeysAnswered = 5'000;  // 135 kB, more than may wait

  std::shared_ptr<Listener> listener_ = listen();
  TlsContextRef context_ = server_context();
  bool server_text_echoed_ = false;
  int client_window_ = 0;  // the kernel's own, which grows
  std::string greeting_ = "!";
  std::atomic<bool> server_has_heard_ = false;
  std::atomic<int> turns_ = 0;  // of the server's
};

TEST_F(OpensslClientTest, TicketsResume) {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    const SslCtxPtr ctx(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(ctx.get(), version);
    SSL_SESSION* session = nullptr;
    bool resumed = false;
    const auto talk = [&](SSL* ssl) {
      if (session != nullptr) SSL_set_session(ssl, session);
      char byte = 0;
      EXPECT_EQ(SSL_connect(ssl), 1);
      EXPECT_EQ(SSL_read(ssl, &byte, 1), 1);  // the ticket of TLS 1.3 came before it
      resumed = SSL_session_reused(ssl) == 1;
      SSL_SESSION_free(session);
      session = SSL_get1_session(ssl);
      SSL_shutdown(ssl);  // OpenSSL forgets sessions that end without
    };
    run_client(ctx.get(), talk);
    EXPECT_FALSE(resumed);
    run_client(ctx.get(), talk);
    EXPECT_TRUE(resumed) << version;
    SSL_SESSION_free(session);
  }
}

// TLS 1.3 lets a peer ask for an answer at any time, and nothing makes it read them.
TEST_F(OpensslClientTest, WhoAsksForKeysAndDoesNotReadTheAnswersIsLeft) {
  std::signal(SIGPIPE, SIG_IGN);
  client_window_ = Reactor::kHighWater;
  greeting_ = std::string(200 * Reactor::kHighWater, '!');  // more than the kernel takes
  const SslCtxPtr ctx(SSL_CTX_new(TLS_client_method()));
  run_client(ctx.get(), [&](SSL* ssl) {
    const int yes = 1;
    setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ASSERT_EQ(SSL_connect(ssl), 1);
    const auto ask = [&] {
      const int turn = turns_;
      const bool asked =
          SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1;
      if (asked) turns_.wait(turn);
      return asked;
    };
    for (int i = 0; i < kKeysAsked && ask(); ++i) continue;
  });
  EXPECT_EQ(server_.closed, CloseReason::tls_failed);
  EXPECT_EQ(server_.detail, "the peer asks for new keys and does not read the answers");
}

TEST_F(OpensslClientTest, WhoAsksForKeysAndReadsTheAnswersIsServed) {
  const SslCtxPtr ctx(SSL_CTX_new(TLS_client_method()));
  server_text_echoed_ = true;
  run_client(ctx.get(), [&](SSL* ssl) {
    char byte = 0;
    ASSERT_EQ(SSL_connect(ssl), 1);
    ASSERT_EQ(SSL_read(ssl, &byte, 1), 1);
    for (int i = 0; i < kKeysAnswered; ++i) {
      ASSERT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(ssl), 1);
      if (i % 100 != 0) continue;
      ASSERT_EQ(SSL_write(ssl, "?", 1), 1);
      ASSERT_EQ(SSL_read(ssl, &byte, 1), 1);
    }
  });
  EXPECT_NE(server_.closed, CloseReason::tls_failed);
}

// What waits for a slow reader is not what it asked TLS for.
TEST_F(OpensslClientTest, WhoAsksForAFewKeysIsServedHoweverMuchItHasYetToRead) {
  const SslCtxPtr ctx(SSL_CTX_new(TLS_client_method()));
  server_text_echoed_ = true;
  client_window_ = Reactor::kHighWater;
  greeting_ = std::string(200 * Reactor::kHighWater, '!');  // more than the kernel takes
  std::string read;
  run_client(ctx.get(), [&](SSL* ssl) {
    ASSERT_EQ(SSL_connect(ssl), 1);
    for (int i = 0; i < 3; ++i) {  // one is answered when something else is to be said
      ASSERT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(ssl), 1);
    }
    ASSERT_EQ(SSL_write(ssl, "?", 1), 1);
    server_has_heard_.wait(false);  // or it has gone
    char piece[4096];
    while (!read.ends_with('?')) {
      const int got = SSL_read(ssl, piece, sizeof piece);
      if (got <= 0) break;
      read.append(piece, static_cast<std::size_t>(got));
    }
  });
  EXPECT_EQ(server_.closed, std::nullopt) << server_.detail;
  EXPECT_EQ(read.size(), greeting_.size() + 1);
}

TEST_F(OpensslClientTest, AlpnOfDirectTls) {
  const SslCtxPtr ctx(SSL_CTX_new(TLS_client_method()));
  const unsigned char names[] = "\x02h2\x0apostgresql";
  SSL_CTX_set_alpn_protos(ctx.get(), names, sizeof names - 1);
  run_client(ctx.get(), [](SSL* ssl) { EXPECT_EQ(SSL_connect(ssl), 1); });
  ASSERT_TRUE(run_until([&] { return server_.secured.has_value(); }));
  EXPECT_EQ(server_.secured->alpn, "postgresql");
}

TEST_F(OpensslClientTest, AlpnOfSomethingElseIsRefused) {
  const SslCtxPtr ctx(SSL_CTX_new(TLS_client_method()));
  const unsigned char names[] = "\x02h2";
  SSL_CTX_set_alpn_protos(ctx.get(), names, sizeof names - 1);
  run_client(ctx.get(), [](SSL* ssl) { EXPECT_NE(SSL_connect(ssl), 1); });
  ASSERT_TRUE(run_until([&] { return server_.closed.has_value(); }));
  EXPECT_EQ(server_.closed, CloseReason::tls_failed);
}

// --- contexts ---

TEST(TlsContexts, ErrorsNameTheFile) {
  const TestAuthority authority;
  const auto good = authority.issue("db", "DNS:db");
  const auto other = authority.issue("other", "DNS:other");
  const auto error = [](TlsSettings settings) { return make_server_tls(settings).error(); };
  EXPECT_THAT(error({}), HasSubstr("needs cert_file"));
  EXPECT_THAT(error({.cert_file = good.cert_file}), HasSubstr("key_file go together"));
  EXPECT_THAT(error({.cert_file = "/no/such", .key_file = good.key_file}), HasSubstr("/no/such"));
  EXPECT_THAT(error({.cert_file = good.cert_file, .key_file = "/no/such"}),
              HasSubstr("key_file: `/no/such` cannot be read: No such file"));
  EXPECT_THAT(error({.cert_file = good.cert_file, .key_file = other.key_file}),
              HasSubstr(other.key_file));
  auto settings = good;
  settings.min_version = "1.1";
  EXPECT_THAT(error(settings), HasSubstr("not 1.1"));
  settings = good;
  settings.ciphers = "NONSENSE";
  EXPECT_THAT(error(settings), HasSubstr("ciphers: `NONSENSE`"));
  settings = good;
  settings.verify_peer = true;
  EXPECT_THAT(error(settings), HasSubstr("ca_file"));
  settings.ca_file = "/no/ca";
  EXPECT_THAT(error(settings), HasSubstr("/no/ca"));
}

TEST(TlsContexts, EverythingThatIsWrongIsSaidAtOnce) {
  const TestAuthority authority;
  const auto key_alone = authority.issue("db", "DNS:db").key_file;
  const auto troubles = [](const TlsSettings& settings) {
    std::string all;
    for (const auto& [setting, text, usable] : check_server_tls(settings)) {
      all += std::string(setting) + ": " + text + "\n";
    }
    return all;
  };
  EXPECT_EQ(troubles(authority.issue("db", "DNS:db")), "");
  EXPECT_EQ(troubles({.cert_file = "/no/cert",
                      .key_file = "/no/key",
                      .ca_file = "/no/ca",
                      .verify_peer = true}),
            "cert_file: `/no/cert` cannot be read: No such file or directory\n"
            "key_file: `/no/key` cannot be read: No such file or directory\n"
            "ca_file: `/no/ca` cannot be read: No such file or directory\n");
  EXPECT_THAT(troubles({.cert_file = key_alone,
                        .key_file = key_alone,
                        .ca_file = key_alone,
                        .verify_peer = true}),
              AllOf(HasSubstr("cert_file: `" + key_alone + "` is no certificate in PEM form"),
                    HasSubstr("ca_file: `" + key_alone + "` holds no certificate in PEM form")));
}

TEST(TlsContexts, AKeyThatOthersCanReadIsRefused) {
  const TestAuthority authority;
  const auto settings = authority.issue("db", "DNS:db");
  chmod(settings.key_file.c_str(), 0644);
  EXPECT_THAT(make_server_tls(settings).error(),
              AllOf(HasSubstr("others can read `"), HasSubstr("(mode 0644)")));
  chmod(settings.key_file.c_str(), 0640);
  EXPECT_EQ(make_server_tls(settings).has_value(), geteuid() == 0);
}

TEST(TlsContexts, SystemStore) {
  EXPECT_TRUE(make_client_tls({.ca_file = "system", .verify_peer = true}).has_value());
}

}  // namespace
}  // namespace tidegate::net
