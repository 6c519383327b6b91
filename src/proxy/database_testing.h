// Both sides of the proxy on the simulated network, for tests of what it does with connections: a
// database that says little, callers who keep what they are told, and the workers in between.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "net/sim_reactor.h"
#include "postgres/messages.h"
#include "postgres/route_snapshot.h"
#include "proxy/worker.h"

namespace tidegate::proxy {

struct QuietLog final : Log {
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool enabled(LogLevel) const override { return false; }
};

// Lets everybody in, unless it hangs up, and answers every query with its number.
class Database final : public net::AcceptHandler, public net::StreamHandler {
 public:
  explicit Database(net::Reactor& reactor) : reactor_(reactor) {}
  void accepted(net::ListenerId, net::ParcelPtr parcel, const net::Address&,
                const net::Address&) override {
    ++connections;
    reactor_.adopt(std::move(parcel), this);
  }
  void bytes_arrived(net::StreamId stream, Bytes bytes) override {
    if (hangs_up) return reactor_.close(stream, *hangs_up);
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
  std::optional<net::CloseMode> hangs_up;

 private:
  net::Reactor& reactor_;
  std::set<std::uint64_t> greeted_;  // streams
};

// A connection to a worker that keeps what it is told.
struct Caller final : net::StreamHandler {
  void bytes_arrived(net::StreamId, Bytes bytes) override { heard += as_text(bytes); }
  void peer_finished(net::StreamId) override { ended = true; }
  void stream_closed(net::StreamId, net::CloseReason, const std::string&) override { ended = true; }
  net::StreamId stream;
  std::string heard;
  bool ended = false;
};

// A worker with a door of its own, and what is to happen just before it settles a turn.
struct Lane final : net::TurnHandler {
  Lane(net::SimNetwork& network, std::uint32_t host)
      : reactor(network, net::sim_address(host, 0)),
        listener(std::make_shared<net::SimListener>(network, net::sim_address(host, 6432))) {}
  bool settle() override {
    if (before_settling) before_settling();
    return worker->settle();
  }
  net::SimReactor reactor;
  std::shared_ptr<net::SimListener> listener;
  std::unique_ptr<Worker> worker;
  std::function<void()> before_settling;
};

// A process whose workers are lanes of the test, which ends them before it ends itself.
class SimulatedProcessTest : public testing::Test {
 protected:
  // A database `db`, and `ann`, who needs no password.
  static config::Config one_database() {
    config::Config config;
    config.users = {{.name = "ann", .trust = true}};
    config.upstreams = {
        {.name = "main", .hosts = {{"database.sim", 5432}}, .ssl_mode = net::SslMode::disable}};
    config.routes = {{.database = "db", .upstream = "main"}};
    return config;
  }
  void start(const config::Config& config, std::span<Lane> lanes) {
    process_ = *Process::make(config, lanes.size(), {.log = log_});
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      auto& lane = lanes[i];
      lane.worker = std::make_unique<Worker>(*process_, static_cast<WorkerIndex>(i), lane.reactor);
      lane.reactor.set_turn_handler(&lane);
      lane.reactor.accept_from(lane.listener, lane.worker.get());
    }
  }
  // Who comes to the route from here on needs no server for its login.
  void publish_snapshot() {
    route()->replace_snapshot(nullptr,
                              std::make_shared<postgres::RouteSnapshot>(postgres::Parameters{}));
  }

  Caller& call(const Lane& lane, Duration patience = 1s) {
    auto& caller = *callers_.emplace_back(std::make_unique<Caller>());
    caller.stream = outside_.connect(lane.listener->address(), {}, &caller);
    pass(patience);
    return caller;
  }
  void introduce(const Caller& caller, const std::string& user = "ann", Duration patience = 1s) {
    ByteBuffer startup;
    postgres::write_startup(startup, {{"user", user}, {"database", "db"}});
    outside_.write(caller.stream, startup);
    pass(patience);
  }
  void query(const Caller& caller) {
    ByteBuffer query;
    postgres::write_query(query, "SELECT 1");
    outside_.write(caller.stream, query);
  }
  void pass(Duration time) { network_.run_until(network_.now() + time); }
  std::shared_ptr<Route> route() { return *process_->routes().find("db", "ann", ""); }

  QuietLog log_;
  net::SimNetwork network_{7, net::SimFaultMenu{}};
  std::vector<std::unique_ptr<Caller>> callers_;
  net::SimReactor outside_{network_, net::sim_address(3, 0)};
  std::unique_ptr<Process> process_;
};

}  // namespace tidegate::proxy
