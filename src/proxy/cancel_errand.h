// Carries one cancel request to a database on a connection of its own. While it is under way the
// server stays out of the pool, so that the cancel reaches the statement it was meant for or none;
// it is over when the database has closed the connection, for then the signal has been sent.
#pragma once

#include <memory>

#include "net/reactor.h"
#include "pool/pool.h"
#include "session/conversation.h"

namespace tidegate::proxy {

class PoolGate;
class Server;
class Worker;

class CancelErrand final : public net::StreamHandler, public net::TimerHandler {
 public:
  CancelErrand(Worker& worker, Server& server, net::Task done);
  ~CancelErrand() override;
  void begin();
  // From the server: it may have come to the statement that is meant.
  void replies_came();
  // Also when the server is gone: then there is nothing left to be cancelled.
  void end();

  void stream_connected(net::StreamId) override;
  void stream_secured(net::StreamId, const net::TlsInfo&) override;
  void bytes_arrived(net::StreamId, Bytes bytes) override;
  void peer_finished(net::StreamId) override;
  void stream_closed(net::StreamId, net::CloseReason, const std::string&) override;
  void timer_fired(net::TimerId, std::uint64_t) override;

 private:
  // The statement that was meant still runs on the server.
  Server* still_meant() const;
  void send();

  Worker& worker_;
  PoolGate& gate_;
  pool::ServerId server_;
  std::uint64_t link_number_;
  std::uint64_t requests_ended_;  // when the cancel came
  bool secured_;                  // as the server's own connection
  net::Target target_;
  net::Address address_;
  std::unique_ptr<session::SideConversation> conversation_;
  net::StreamId stream_;
  net::TimerId timer_;
  net::Task done_;
  bool waiting_ = false;  // connected, while something of ours runs before that statement
  bool sent_ = false;
  bool delivered_ = false;  // the database has said so, by the end of the connection
  bool ended_ = false;
};

}  // namespace tidegate::proxy
