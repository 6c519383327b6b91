#include "proxy/cancel_errand.h"

#include "base/planted.h"
#include "proxy/server.h"
#include "proxy/worker.h"

namespace tidegate::proxy {

CancelErrand::CancelErrand(Worker& worker, Server& server, net::Task done)
    : worker_(worker),
      gate_(worker.gate(server.route()->upstream())),
      server_(server.id()),
      link_number_(server.link_number()),
      requests_ended_(server.conversation().requests_ended()),
      secured_(server.secured()),
      target_(server.target()),
      address_(server.address()),
      conversation_(server.conversation().make_cancel()),
      done_(std::move(done)) {
  server.errand_begins(*this);
}

CancelErrand::~CancelErrand() {
  worker_.reactor().disarm(timer_);
  worker_.reactor().close(stream_, net::CloseMode::now);
}

void CancelErrand::begin() {
  auto& reactor = worker_.reactor();
  timer_ = reactor.arm(reactor.now() + gate_.upstream().spec().cancel_timeout, this, 0);
  stream_ = reactor.connect(address_, {}, this);
}

Server* CancelErrand::still_meant() const {
  auto* server = gate_.find(server_);
  if (planted(Planted::cancel_one_query_late)) return server;
  const bool same =
      server != nullptr && server->link_number() == link_number_ && server->conversation().busy();
  if (!same) return nullptr;
  // Of a client that has left, everything is meant.
  const bool left = server->client() == nullptr;
  return left || server->conversation().requests_ended() == requests_ended_ ? server : nullptr;
}

void CancelErrand::stream_connected(net::StreamId) {
  if (still_meant() == nullptr) return end();
  if (!secured_) return send();
  worker_.reactor().write(stream_, conversation_->tls_request());
}

void CancelErrand::bytes_arrived(net::StreamId, Bytes bytes) {
  // The only thing ever read: the answer to the request for TLS.
  if (!secured_ || worker_.reactor().is_secured(stream_)) return;
  if (!conversation_->tls_granted(bytes)) return end();
  worker_.reactor().start_tls_client(stream_, gate_.upstream().tls(), target_.host);
}

void CancelErrand::stream_secured(net::StreamId, const net::TlsInfo&) {
  send();
}

void CancelErrand::send() {
  auto* server = still_meant();
  if (server == nullptr) return end();
  waiting_ = !server->conversation().cancellable() && !planted(Planted::cancel_one_query_late);
  if (waiting_) return;
  sent_ = true;
  worker_.reactor().write(stream_, conversation_->request());
}

void CancelErrand::replies_came() {
  if (waiting_) send();
}

void CancelErrand::peer_finished(net::StreamId) {
  delivered_ = true;
  end();
}
void CancelErrand::stream_closed(net::StreamId, net::CloseReason, const std::string&) {
  end();
}
void CancelErrand::timer_fired(net::TimerId, std::uint64_t) {
  timer_ = {};
  end();
}

void CancelErrand::end() {
  if (ended_) return;
  ended_ = true;
  worker_.reactor().close(stream_, net::CloseMode::now);
  if (auto* server = gate_.find(server_)) server->errand_ended(*this, sent_ && !delivered_);
  done_();
  worker_.end_errand(this);
}

}  // namespace tidegate::proxy
