#include "net/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>

#include "net/descriptors.h"
#include "net/file_descriptor.h"
#include "net/stream_test_support.h"
#include "net/streams.h"

namespace tidegate::net {
namespace {

using testing::HasSubstr;

class UnixListener : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate_listen_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    address_ = test_address(folder_ / "gate", 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  bool exists() const { return std::filesystem::exists(folder_ / "gate"); }

  std::filesystem::path folder_;
  Address address_;
};

TEST_F(UnixListener, MakesTheFileWithItsModeAndRemovesIt) {
  {
    const auto listener = Listener::open(address_, {.unix_mode = 0720});
    ASSERT_TRUE(listener.has_value()) << listener.error();
    struct stat status{};
    ASSERT_EQ(stat((folder_ / "gate").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0720u);
  }
  EXPECT_FALSE(exists());
}

TEST_F(UnixListener, StaleFileIsReplaced) {
  {
    const FileDescriptor dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(
        bind(dead.get(), reinterpret_cast<const sockaddr*>(&address_.storage), address_.length), 0);
  }
  ASSERT_TRUE(exists());
  EXPECT_TRUE(Listener::open(address_, {}).has_value());
}

TEST_F(UnixListener, LiveOneIsRefused) {
  const auto first = Listener::open(address_, {});
  const auto second = Listener::open(address_, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), HasSubstr("another process listens on unix:"));
  EXPECT_TRUE(exists());
}

TEST_F(UnixListener, ASuccessorsFileStays) {
  auto first = *Listener::open(address_, {});
  std::filesystem::remove(folder_ / "gate");
  const auto second = Listener::open(address_, {});
  first.reset();
  EXPECT_TRUE(exists());
}

TEST(Listener, TellsTheRealPort) {
  const auto listener = Listener::open(test_address("127.0.0.1"), {});
  ASSERT_TRUE(listener.has_value());
  EXPECT_GT((*listener)->address().port(), 0);
}

TEST(Listener, ErrorsNameTheAddress) {
  const auto taken = Listener::open(test_address("127.0.0.1"), {});
  const auto again = Listener::open((*taken)->address(), {});
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error(), HasSubstr("cannot bind to " + (*taken)->address().text()));
  EXPECT_THAT(again.error(), HasSubstr("in use"));
}

TEST(Listener, FromDescriptorWantsAListeningSocket) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_THAT(Listener::from_descriptor(fd, {}).error(), HasSubstr("not a listening socket"));
  const int listening = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(listen(listening, 1), 0);
  const auto listener = Listener::from_descriptor(listening, {});
  ASSERT_TRUE(listener.has_value());
  EXPECT_NE(fcntl(listening, F_GETFL) & O_NONBLOCK, 0);
}

class AcceptTest : public ReactorTest {
 protected:
  // Connected as far as the kernel is concerned; accepted or not.
  FileDescriptor dial(const Listener& listener) {
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto& to = listener.address();
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length), 0);
    return fd;
  }
};

TEST_F(AcceptTest, StopAccepting) {
  const auto listener = *Listener::open(test_address("127.0.0.1"), {});
  const auto id = reactor_->accept_from(listener, this);
  const auto first = dial(*listener);
  ASSERT_TRUE(run_until([&] { return bool(server_id_); }));
  reactor_->stop_accepting(id);
  reactor_->stop_accepting(id);
  const auto second = dial(*listener);
  run_quietly();
  EXPECT_EQ(reactor_->counters().accepts, 1u);
}

TEST_F(AcceptTest, ADeferredConnectionComesWithItsFirstBytesInOneTurn) {
  const auto listener = *Listener::open(test_address("127.0.0.1"), {.defer_accept = true});
  reactor_->accept_from(listener, this);
  const auto silent = dial(*listener);
  const auto talker = dial(*listener);
  ASSERT_EQ(send(talker.get(), "hello", 5, 0), 5);
  const auto before = reactor_->counters();
  reactor_->run_once(*this, 10s);
  EXPECT_EQ(server_.text, "hello");
  EXPECT_EQ(reactor_->counters().accepts - before.accepts, 1u);
  EXPECT_EQ(reactor_->counters().receives - before.receives, 1u);
  EXPECT_EQ(reactor_->counters().epoll_ctls - before.epoll_ctls, 1u);
  // Registered all the same: what comes later arrives, and so does the end.
  ASSERT_EQ(send(talker.get(), " again", 6, 0), 6);
  shutdown(talker.get(), SHUT_WR);
  EXPECT_TRUE(run_until([&] { return server_.finished; }));
  EXPECT_EQ(server_.text, "hello again");
}

TEST_F(AcceptTest, ADeferredConnectionThatStaysSilentIsAcceptedInTheEnd) {
  const auto listener = *Listener::open(test_address("127.0.0.1"), {.defer_accept = true});
  reactor_->accept_from(listener, this);
  const auto silent = dial(*listener);
  EXPECT_TRUE(run_until([&] { return bool(server_id_); }));
}

TEST_F(AcceptTest, ACrowdIsTakenWhole) {
  const auto listener = listen();
  std::vector<FileDescriptor> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(dial(*listener));
  EXPECT_TRUE(run_until([&] { return reactor_->counters().accepts == crowd.size(); }));
  // Twice as many in each turn that finds more.
  EXPECT_LE(reactor_->counters().turns, 12u);
}

TEST_F(AcceptTest, EveryInterfaceTellsWhichOneWasUsed) {
  struct Door final : AcceptHandler {
    void accepted(ListenerId, ParcelPtr, const Address&, const Address& local) override {
      used = local;
    }
    Address used;
  } door;
  const auto listener = *Listener::open(test_address("0.0.0.0"), {});
  reactor_->accept_from(listener, &door);
  auto to = test_address("127.0.0.3", listener->address().port());
  reactor_->connect(to, {}, &client_);
  ASSERT_TRUE(run_until([&] { return door.used.length > 0; }));
  EXPECT_EQ(door.used, to);
}

// A crowd that is turned away, hears its error, and does not leave by itself.
TEST_F(AcceptTest, NoMoreThanSoManyLinger) {
  struct Porter final : AcceptHandler {
    explicit Porter(EpollReactor& doors) : reactor(doors) {}
    void accepted(ListenerId, ParcelPtr parcel, const Address&, const Address&) override {
      const auto id = reactor.adopt(std::move(parcel), nullptr);
      reactor.write(id, as_bytes("no"));
      reactor.close(id, CloseMode::flush);
    }
    EpollReactor& reactor;
  } porter(*reactor_);
  constexpr std::size_t kCrowd = Streams::kLingeringMax + 50;
  const auto before = raise_descriptor_limit();
  ASSERT_GT(before.available(), 3 * kCrowd);
  const auto listener = *Listener::open(test_address("127.0.0.1"), {});
  reactor_->accept_from(listener, &porter);
  std::vector<FileDescriptor> crowd;
  while (crowd.size() < kCrowd) {
    crowd.push_back(dial(*listener));
    if (crowd.size() % 64 == 0) reactor_->run_once(*this, 0ms);
  }
  ASSERT_TRUE(run_until([&] { return reactor_->counters().accepts == kCrowd; }));
  run_quietly();
  EXPECT_LE(raise_descriptor_limit().in_use, before.in_use + 1 + kCrowd + Streams::kLingeringMax);
  for (const auto& stranger : crowd) {
    char heard[8];
    ASSERT_EQ(recv(stranger.get(), heard, sizeof heard, 0), 2);
  }
}

// In a process of its own, which runs out of descriptors.
int exhaust() {
  struct Quiet final : TurnHandler {
    bool settle() override { return false; }
  } quiet;
  struct Keeper final : AcceptHandler {
    void accepted(ListenerId, ParcelPtr parcel, const Address&, const Address&) override {
      kept.push_back(std::move(parcel));
    }
    std::vector<ParcelPtr> kept;
  } keeper;
  const auto offload = Offload::make(0, 1);
  const auto reactor = EpollReactor::make(*offload);
  const auto listener = *Listener::open(test_address("127.0.0.1"), {});
  reactor->accept_from(listener, &keeper);
  // A turn while there is plenty, as any process has had (a sanitizer needs pipes at its first).
  reactor->run_once(quiet, 0ms);
  constexpr int kClients = 20;
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto& to = listener->address();
    if (connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length)) {
      return 1;
    }
  }
  const rlim_t room = static_cast<rlim_t>(clients.back().get()) + 1 + 5;  // five may be accepted
  const rlimit limit{room, room};
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto end = reactor->now() + 5s;
  while (keeper.kept.size() + reactor->counters().accepts_shed < kClients && reactor->now() < end) {
    reactor->run_once(quiet, 100ms);
  }
  if (keeper.kept.size() != 5) return 2;
  if (reactor->counters().accepts_shed != kClients - 5) return 3;
  const auto turns = reactor->counters().turns;
  reactor->run_once(quiet, 20ms);
  reactor->run_once(quiet, 20ms);
  if (reactor->counters().turns != turns + 2) return 4;
  // Room again: the next one is accepted.
  keeper.kept.clear();
  clients.clear();
  clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto& to = listener->address();
  if (connect(clients[0].get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length))
    return 5;
  while (keeper.kept.empty() && reactor->now() < end) reactor->run_once(quiet, 100ms);
  return keeper.kept.size() == 1 ? 0 : 6;
}

TEST(Acceptors, OutOfDescriptorsShedsAndGoesOn) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(exhaust());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tidegate::net
