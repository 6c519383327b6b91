// For tests: one reactor, and both ends of a connection in it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "net/epoll_reactor.h"

namespace tidegate::net {

// Writes down what it is told.
class StreamRecorder : public StreamHandler {
 public:
  void stream_connected(StreamId) override { connected = true; }
  void stream_secured(StreamId id, const TlsInfo& info) override {
    EXPECT_FALSE(secured.has_value());
    secured = info;
    if (on_secured) on_secured(id);
  }
  void bytes_arrived(StreamId id, Bytes bytes) override {
    EXPECT_FALSE(bytes.empty());
    EXPECT_FALSE(finished || closed);
    text += as_text(bytes);
    ++arrivals;
    if (on_bytes) on_bytes(id, bytes);
  }
  void output_drained(StreamId id) override {
    ++drained;
    if (on_drained) on_drained(id);
  }
  void peer_finished(StreamId) override {
    EXPECT_FALSE(finished || closed);
    finished = true;
  }
  void stream_closed(StreamId, CloseReason reason, const std::string& why) override {
    EXPECT_FALSE(closed.has_value());
    closed = reason;
    detail = why;
  }

  bool connected = false;
  bool finished = false;
  int drained = 0;
  int arrivals = 0;
  std::string text;
  std::string detail;
  std::optional<TlsInfo> secured;
  std::optional<CloseReason> closed;
  std::function<void(StreamId, Bytes)> on_bytes;
  std::function<void(StreamId)> on_secured;
  std::function<void(StreamId)> on_drained;
};

inline Address test_address(const std::string& host, int port = 0) {
  Address address;
  EXPECT_TRUE(parse_address(host, port, address)) << host;
  return address;
}

// Bytes that tell where they belong, so that a lost or doubled block is seen.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (auto& c : text) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

class ReactorTest : public testing::Test, protected AcceptHandler, protected TurnHandler {
 protected:
  ~ReactorTest() override {
    offload_->stop();  // its threads post to the reactor
    reactor_.reset();
  }

  // Turns until `done`; false after too many without it.
  bool run_until(const std::function<bool()>& done) {
    for (const auto end = reactor_->now() + 10s; reactor_->now() < end;) {
      if (done()) return true;
      reactor_->run_once(*this, 100ms);
    }
    return done();
  }
  // Lets everything happen that is under way.
  void run_quietly() {
    for (int i = 0; i < 20; ++i) reactor_->run_once(*this, 1ms);
  }

  std::shared_ptr<Listener> listen(const std::string& host = "127.0.0.1") {
    auto listener = Listener::open(test_address(host), {});
    EXPECT_TRUE(listener.has_value());
    reactor_->accept_from(*listener, this);
    return *listener;
  }
  // client_ in front of server_, both in reactor_.
  void join(const std::string& host = "127.0.0.1") {
    const auto listener = listen(host);
    client_id_ = reactor_->connect(listener->address(), {}, &client_);
    ASSERT_TRUE(run_until([&] { return client_.connected && server_id_; }));
  }
  void accepted(ListenerId, ParcelPtr parcel, const Address& peer, const Address&) override {
    accepted_from_ = peer;
    server_id_ = reactor_->adopt(std::move(parcel), &server_);
  }
  bool settle() override { return false; }

  std::unique_ptr<Offload> offload_ = Offload::make(1, 4);
  std::unique_ptr<EpollReactor> reactor_ = EpollReactor::make(*offload_);
  StreamRecorder client_, server_;
  StreamId client_id_, server_id_;
  Address accepted_from_;
};

}  // namespace tidegate::net
