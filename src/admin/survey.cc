#include "admin/survey.h"

#include <iterator>
#include <utility>

namespace tidegate::admin {
namespace {

using proxy::Client;
using proxy::Server;
using proxy::Worker;

std::string_view state_name(Client::State state) {
  switch (state) {
    case Client::State::arriving:
    case Client::State::login:
      return "login";
    case Client::State::idle:
      return "idle";
    case Client::State::waiting:
      return "waiting";
    case Client::State::linked:
      return "active";
    case Client::State::ending:
      return "closing";
  }
  return "unknown";
}

std::string_view state_name(Server::State state) {
  switch (state) {
    case Server::State::connecting:
    case Server::State::login:
      return "new";
    case Server::State::idle:
      return "idle";
    case Server::State::verifying:
    case Server::State::cleaning:
      return "tested";
    case Server::State::linked:
      return "active";
    case Server::State::cancelling:
      return "being_canceled";
    case Server::State::closing:
      return "closing";
  }
  return "unknown";
}

// The calendar time of an instant of this worker's clock.
WallTime wall_of(Worker& worker, Instant instant) {
  const auto ago = worker.reactor().now() - instant;
  return {worker.reactor().wall_now().us - ago.count() / 1000};
}

void describe_stream(Worker& worker, net::StreamId stream, SocketRow& row) {
  const auto peer = worker.reactor().peer_address(stream);
  const auto local = worker.reactor().local_address(stream);
  row.address = peer.host_text();
  row.port = peer.port();
  row.local_address = local.host_text();
  row.local_port = local.port();
  row.tls = worker.reactor().is_secured(stream) ? "TLS" : "";
}

SocketRow describe(Worker& worker, Client& client) {
  SocketRow row;
  row.type = 'C';
  row.route = client.route().get();
  row.user = client.user();
  row.database = client.database();
  row.state = state_name(client.state());
  row.application_name = client.application_name();
  row.connected = wall_of(worker, client.connected_at());
  row.requested =
      client.state() == Client::State::idle ? row.connected : wall_of(worker, client.wait_since());
  if (client.state() == Client::State::waiting) {
    row.wait = worker.reactor().now() - client.wait_since();
  }
  row.id = client.waiter();
  if (client.server() != nullptr) {
    row.link = client.server()->id().packed();
    row.remote_pid = client.server()->conversation().process_id();
    row.pin = client.server()->pin();
  }
  row.prepared_statements = client.conversation().prepared_statements();
  row.channels = client.conversation().channels();
  describe_stream(worker, client.stream(), row);
  return row;
}

SocketRow describe(Worker& worker, Server& server) {
  SocketRow row;
  row.type = 'S';
  row.route = server.route().get();
  row.cancels = static_cast<int>(server.cancels());
  row.user = server.route()->user();
  row.database = server.route()->database();
  row.state = server.is_listener() ? "listen" : state_name(server.state());
  row.connected = wall_of(worker, server.opened_at());
  row.requested = wall_of(worker, server.assigned_at());
  row.closing = server.state() == Server::State::closing;
  row.id = server.id().packed();
  row.pin = server.pin();
  if (server.client() != nullptr) {
    row.link = server.client()->waiter();
    row.application_name = server.client()->application_name();
  }
  if (server.has_conversation()) {
    row.remote_pid = server.conversation().process_id();
    row.prepared_statements = server.conversation().prepared_statements();
  }
  describe_stream(worker, server.stream(), row);
  return row;
}

Findings look_around(proxy::Process& process, Worker& worker) {
  Findings findings;
  worker.clients().for_each([&](proxy::ClientId, Client& client) {
    findings.clients.push_back(describe(worker, client));
  });
  for (const auto& gate : worker.gates()) {
    for (const auto& [key, server] : gate->servers()) {
      findings.servers.push_back(describe(worker, *server));
    }
  }
  worker.end_period();
  for (const auto& route : process.routes().all()) {
    findings.traffic.push_back(
        {route, route->traffic(worker.index()), route->last_period(worker.index())});
  }
  findings.workers.push_back({worker.index(), worker.client_count(), findings.servers.size(),
                              worker.reactor().counters()});
  return findings;
}

template <typename Row>
void append(std::vector<Row>& to, std::vector<Row>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Lives until the last answer came; touched by the asking worker alone.
struct Gathering {
  std::size_t missing;
  Findings findings;
  SurveyDone done;

  void receive(Findings&& part) {
    append(findings.clients, std::move(part.clients));
    append(findings.servers, std::move(part.servers));
    append(findings.traffic, std::move(part.traffic));
    append(findings.workers, std::move(part.workers));
    if (--missing == 0) done(std::move(findings));
  }
};

}  // namespace

void survey(proxy::Process& process, proxy::Worker& home, SurveyDone done) {
  auto gathering =
      std::make_shared<Gathering>(process.workers().size(), Findings{}, std::move(done));
  for (auto* worker : process.workers()) {
    worker->post([&process, &home, worker, gathering] {
      home.post([gathering, part = look_around(process, *worker)]() mutable {
        gathering->receive(std::move(part));
      });
    });
  }
}

}  // namespace tidegate::admin
