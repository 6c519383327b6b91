// The contract of the seam, over real sockets.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdlib.h>

#include <filesystem>

#include "net/epoll_reactor.h"
#include "net/file_descriptor.h"
#include "net/reactor_contract_test.h"
#include "net/socket_options.h"

namespace tidegate::net {
namespace {

class SocketPeer final : public ContractPeer {
 public:
  explicit SocketPeer(FileDescriptor fd) : fd_(std::move(fd)) {
    fcntl(fd_.get(), F_SETFL, fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  }

  void send(std::string_view text) override { unsent_ += text; }
  void finish() override { finishing_ = true; }
  void reset() override {
    // A unix socket has no reset of its own: it sends one when it closes with input unread.
    const struct linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
  }
  void set_reading(bool reading) override { reading_ = reading; }
  const std::string& received() const override { return received_; }
  bool saw_end() const override { return saw_end_; }
  bool saw_reset() const override { return saw_reset_; }

  void step() {
    if (!fd_) return;
    while (!unsent_.empty()) {
      const auto count = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (count <= 0) break;
      unsent_.erase(0, static_cast<std::size_t>(count));
    }
    if (finishing_ && unsent_.empty()) shutdown(fd_.get(), SHUT_WR);
    while (reading_ && !saw_end_ && !saw_reset_) {
      char buffer[65536];
      const auto count = recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count > 0) received_.append(buffer, static_cast<std::size_t>(count));
      if (count == 0) saw_end_ = true;
      if (count < 0 && errno == ECONNRESET) saw_reset_ = true;
      if (count < 0) break;
    }
    // As an ordinary program does, once both have said what they had to say.
    if (saw_end_ && finishing_) fd_.reset();
  }

 private:
  FileDescriptor fd_;
  std::string unsent_;
  std::string received_;
  bool finishing_ = false;
  bool reading_ = true;
  bool saw_end_ = false;
  bool saw_reset_ = false;
};

struct QuietTurn final : TurnHandler {
  bool settle() override { return false; }
};

// Hands its peers out as handles, and keeps them going.
class PeerHandle final : public ContractPeer {
 public:
  explicit PeerHandle(std::shared_ptr<SocketPeer> peer) : peer_(std::move(peer)) {}
  void send(std::string_view text) override { peer_->send(text); }
  void finish() override { peer_->finish(); }
  void reset() override { peer_->reset(); }
  void set_reading(bool reading) override { peer_->set_reading(reading); }
  const std::string& received() const override { return peer_->received(); }
  bool saw_end() const override { return peer_->saw_end(); }
  bool saw_reset() const override { return peer_->saw_reset(); }

 private:
  std::shared_ptr<SocketPeer> peer_;
};

Address loopback() {
  Address address;
  parse_address("127.0.0.1", 0, address);
  return address;
}

class EpollWorld final : public ContractWorld {
 public:
  EpollWorld()
      : listener_(*Listener::open(loopback(), {})), inbox_(*Listener::open(loopback(), {})) {
    for (auto& reactor : reactors_) reactor = EpollReactor::make(*offload_);
  }
  ~EpollWorld() override { offload_->stop(); }

  Reactor& reactor(int index) override { return *reactors_[index]; }
  void set_turn_handler(int index, TurnHandler* turn) override {
    turns_[index] = turn != nullptr ? turn : &quiet_;
  }
  Address open_address() override { return listener_->address(); }
  // Bound and not listening: nobody else can take the port meanwhile.
  Address closed_address() override {
    if (!closed_) {
      closed_ = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto any = loopback();
      EXPECT_EQ(bind(closed_.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.length),
                0);
    }
    return local_address_of(closed_.get());
  }

  std::unique_ptr<ContractPeer> accept_peer() override {
    FileDescriptor fd(accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
    return fd ? add(std::move(fd)) : nullptr;
  }

  std::unique_ptr<ContractPeer> dial(AcceptHandler* handler) override {
    reactors_[0]->accept_from(inbox_, handler);
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto& to = inbox_->address();
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length), 0);
    return add(std::move(fd));
  }

  bool run_until(const std::function<bool()>& done) override {
    for (const auto end = reactors_[0]->now() + 10s; reactors_[0]->now() < end;) {
      if (done()) return true;
      step();
    }
    return done();
  }
  void run_for(Duration time) override {
    for (const auto end = reactors_[0]->now() + time; reactors_[0]->now() < end;) step();
  }

 private:
  std::unique_ptr<ContractPeer> add(FileDescriptor fd) {
    peers_.push_back(std::make_shared<SocketPeer>(std::move(fd)));
    return std::make_unique<PeerHandle>(peers_.back());
  }
  void step() {
    for (auto& peer : peers_) peer->step();
    for (int i = 0; i < 2; ++i) reactors_[i]->run_once(*turns_[i], 500us);
  }

  std::unique_ptr<Offload> offload_ = Offload::make(1, 16);
  std::unique_ptr<EpollReactor> reactors_[2];
  QuietTurn quiet_;
  TurnHandler* turns_[2] = {&quiet_, &quiet_};
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<Listener> inbox_;
  FileDescriptor closed_;
  std::vector<std::shared_ptr<SocketPeer>> peers_;
};

INSTANTIATE_TEST_SUITE_P(Epoll, ReactorContract, testing::Values(ContractWorldFactory([] {
                           return std::make_unique<EpollWorld>();
                         })));

}  // namespace
}  // namespace tidegate::net
