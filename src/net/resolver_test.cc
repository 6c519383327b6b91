#include "net/resolver.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "base/bytes.h"
#include "net/socket_options.h"
#include "net/stream_test_support.h"

namespace tidegate::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;

// A name server on loopback with a handful of names; counts what it is asked.
class NameServer {
 public:
  NameServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const auto any = test_address("127.0.0.1");
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.length), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stopping_ = true;
    const std::uint8_t nothing = 0;  // an empty question wakes it
    const auto to = local_address_of(socket_.get());
    const FileDescriptor waker(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sendto(waker.get(), &nothing, 1, 0, reinterpret_cast<const sockaddr*>(&to.storage), to.length);
    thread_.join();
  }

  std::string text() const { return local_address_of(socket_.get()).text(); }
  int asked(const std::string& name) {
    std::lock_guard lock(mutex_);
    return asked_[name];
  }

 private:
  void serve() {
    while (!stopping_) {
      std::uint8_t packet[512];
      Address from;
      from.length = sizeof from.storage;
      auto* name = reinterpret_cast<sockaddr*>(&from.storage);
      const auto size = recvfrom(socket_.get(), packet, sizeof packet, 0, name, &from.length);
      if (size < 12 || stopping_) continue;
      const auto reply = answer({packet, static_cast<std::size_t>(size)});
      if (!reply.empty()) sendto(socket_.get(), reply.data(), reply.size(), 0, name, from.length);
    }
  }

  // RFC 1035, 4.1: header, the question again, then the answers.
  ByteBuffer answer(Bytes query) {
    ByteReader reader(query);
    const auto id = reader.be16();
    reader.bytes(10);
    std::string name;
    const auto question = reader.rest();
    for (auto length = reader.u8(); length > 0; length = reader.u8()) {
      if (!name.empty()) name += '.';
      name += as_text(reader.bytes(length));
    }
    const auto type = reader.be16();
    reader.be16();
    const auto question_size = question.size() - reader.remaining();
    {
      std::lock_guard lock(mutex_);
      if (type == kTypeA) ++asked_[name];
    }
    if (name.starts_with("silent")) return {};
    const bool unknown = name.starts_with("unknown");
    const bool failing = name.starts_with("failing");
    std::vector<std::uint32_t> addresses;
    if (type == kTypeA && !unknown && !failing) addresses = {0x7f000001, 0x7f000002};
    ByteBuffer out;
    ByteWriter writer(out);
    const std::uint16_t code = unknown ? 3 : failing ? 2 : 0;
    writer.be16(id).be16(0x8180 | code).be16(1).be16(static_cast<std::uint16_t>(addresses.size()));
    writer.be32(0).bytes(question.first(question_size));
    const std::uint32_t ttl = name.starts_with("brief") ? 0 : 3600;
    for (const auto address : addresses) {
      writer.be16(0xc00c).be16(kTypeA).be16(1).be32(ttl).be16(4).be32(address);
    }
    return out;
  }

  FileDescriptor socket_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::map<std::string, int> asked_;
};

class ResolverTest : public ReactorTest {
 protected:
  ResolverTest() { reactor_ = EpollReactor::make(*offload_, {.dns_servers = server_.text()}); }

  Resolved resolve(const std::string& host, int port = 5432) {
    std::optional<Resolved> result;
    reactor_->resolve({host, port}, [&](Resolved r) { result = std::move(r); });
    EXPECT_FALSE(result.has_value());  // never at once
    EXPECT_TRUE(run_until([&] { return result.has_value(); }));
    return result.value_or(Resolved{});
  }
  static std::vector<std::string> texts(const Resolved& resolved) {
    std::vector<std::string> out;
    for (const auto& address : resolved.addresses) out.push_back(address.text());
    std::sort(out.begin(), out.end());
    return out;
  }

  NameServer server_;
};

TEST_F(ResolverTest, LiteralsAndPathsNeedNobody) {
  EXPECT_THAT(texts(resolve("10.1.2.3")), ElementsAre("10.1.2.3:5432"));
  EXPECT_THAT(texts(resolve("::1", 1)), ElementsAre("[::1]:1"));
  EXPECT_THAT(texts(resolve("/run/pg")), ElementsAre("unix:/run/pg/.s.PGSQL.5432"));
}

TEST_F(ResolverTest, LocalhostNeedsNoServer) {
  const auto found = texts(resolve("localhost"));
  EXPECT_THAT(found, testing::Contains("127.0.0.1:5432"));
  EXPECT_EQ(server_.asked("localhost"), 0);
}

TEST_F(ResolverTest, AllAddressesOfAName) {
  EXPECT_THAT(texts(resolve("db.test", 6000)), ElementsAre("127.0.0.1:6000", "127.0.0.2:6000"));
}

TEST_F(ResolverTest, AnswersAreKept) {
  resolve("db.test");
  EXPECT_THAT(texts(resolve("db.test", 1)), ElementsAre("127.0.0.1:1", "127.0.0.2:1"));
  EXPECT_EQ(server_.asked("db.test"), 1);
}

TEST_F(ResolverTest, AnAnswerWithoutTimeToLiveIsNotKept) {
  resolve("brief.test");
  EXPECT_EQ(resolve("brief.test").addresses.size(), 2u);
  EXPECT_EQ(server_.asked("brief.test"), 2);
}

TEST_F(ResolverTest, AnAnswerIsKeptForNoLongerThanItIsToBeBelieved) {
  reactor_ =
      EpollReactor::make(*offload_, {.dns_servers = server_.text(), .dns_ttl_max = Duration{0}});
  resolve("db.test");
  EXPECT_EQ(resolve("db.test").addresses.size(), 2u);
  EXPECT_EQ(server_.asked("db.test"), 2);
}

TEST_F(ResolverTest, LookupsOfOneNameShareAQuery) {
  int done = 0;
  for (int i = 0; i < 10; ++i) {
    reactor_->resolve({"brief.test", i}, [&done, i](Resolved r) {
      EXPECT_EQ(r.addresses.size(), 2u);
      EXPECT_EQ(r.addresses[0].port(), i);
      ++done;
    });
  }
  ASSERT_TRUE(run_until([&] { return done == 10; }));
  EXPECT_EQ(server_.asked("brief.test"), 1);
}

TEST_F(ResolverTest, UnknownNamesAreKeptToo) {
  const auto unknown = resolve("unknown.test");
  EXPECT_TRUE(unknown.addresses.empty());
  EXPECT_THAT(unknown.error, HasSubstr("cannot resolve unknown.test: "));
  EXPECT_TRUE(unknown.unknown_name);
  EXPECT_EQ(resolve("unknown.test").error, unknown.error);
  EXPECT_TRUE(resolve("unknown.test").unknown_name) << "from the cache too";
  EXPECT_EQ(server_.asked("unknown.test"), 1);
}

TEST_F(ResolverTest, ServersThatFail) {
  const auto failing = resolve("failing.test");
  EXPECT_THAT(failing.error, HasSubstr("cannot resolve failing.test: "));
  EXPECT_FALSE(failing.unknown_name) << "they may know better later";
}

TEST_F(ResolverTest, AWordThatCannotBeANameIsUnknownToEverybody) {
  const auto bad = resolve("db..test");
  EXPECT_THAT(bad.error, HasSubstr("cannot resolve db..test: "));
  EXPECT_TRUE(bad.unknown_name);
}

TEST_F(ResolverTest, ReactorMayEndWhileAServerIsSilent) {
  reactor_->resolve({"silent.test", 1}, [](Resolved) { FAIL(); });
  ASSERT_TRUE(run_until([&] { return server_.asked("silent.test") > 0; }));
  reactor_.reset();
  reactor_ = EpollReactor::make(*offload_);
}

TEST_F(ResolverTest, ADoneMayAskAgain) {
  bool done = false;
  reactor_->resolve({"db.test", 1}, [&](Resolved) {
    reactor_->resolve({"other.test", 1}, [&](Resolved r) { done = r.addresses.size() == 2; });
  });
  EXPECT_TRUE(run_until([&] { return done; }));
}

DnsAnswer answer_of(const std::string& host) {
  return {{test_address(host)}, {}};
}

TEST(DnsCache, ForgetsInTime) {
  DnsCache cache;
  const Instant now{1'000};
  cache.put("a", answer_of("10.0.0.1"), now + 5s, now);
  ASSERT_NE(cache.find("a", now + 4s), nullptr);
  EXPECT_EQ(cache.find("a", now + 4s)->addresses[0].host_text(), "10.0.0.1");
  EXPECT_EQ(cache.find("a", now + 5s), nullptr);
  EXPECT_EQ(cache.find("b", now), nullptr);
}

TEST(DnsCache, IsBounded) {
  DnsCache cache;
  const Instant now{1'000};
  for (std::size_t i = 0; i < DnsCache::kNamesMax; ++i) {
    cache.put(std::to_string(i), {}, now + 10s + Duration(i), now);
  }
  cache.put("one more", {}, now + 60s, now);
  EXPECT_EQ(cache.size(), DnsCache::kNamesMax);
  EXPECT_EQ(cache.find("0", now), nullptr);  // it would have been the first to go
  EXPECT_NE(cache.find("one more", now), nullptr);
  cache.put("late", {}, now + 90s, now + 30s);  // all but one are out of date
  EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace tidegate::net
