// A database on the simulated network that says little, for tests of what the proxy does with its
// connections.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "base/log.h"
#include "net/reactor.h"
#include "postgres/messages.h"

namespace tidegate::proxy {

struct QuietLog final : Log {
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool enabled(LogLevel) const override { return false; }
};

// Lets everybody in, and answers every query with its number.
class Database final : public net::AcceptHandler, public net::StreamHandler {
 public:
  explicit Database(net::Reactor& reactor) : reactor_(reactor) {}
  void accepted(net::ListenerId, net::ParcelPtr parcel, const net::Address&,
                const net::Address&) override {
    ++connections;
    reactor_.adopt(std::move(parcel), this);
  }
  void bytes_arrived(net::StreamId stream, Bytes bytes) override {
    ByteBuffer out;
    if (greeted_.insert(stream.packed()).second) {
      ++logins;
      postgres::write_authentication_ok(out);
      postgres::write_backend_key_data(out, 1, 2);
      postgres::write_ready_for_query(out, 'I');
    } else if (bytes[0] == 'Q') {
      postgres::write_command_complete(out, "ANSWER " + std::to_string(++queries));
      postgres::write_ready_for_query(out, 'I');
    }
    reactor_.write(stream, out);
  }
  void peer_finished(net::StreamId stream) override { reactor_.close(stream, net::CloseMode::now); }
  void stream_closed(net::StreamId, net::CloseReason, const std::string&) override {}

  int connections = 0, logins = 0, queries = 0;

 private:
  net::Reactor& reactor_;
  std::set<std::uint64_t> greeted_;  // streams
};

}  // namespace tidegate::proxy
