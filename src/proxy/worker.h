// A worker: one thread with one reactor, its share of the clients, and the servers that are at home
// here. It accepts, carries out what the pools decide, and passes on what concerns another worker.
// Clients never move; a server moves when the pool gives it to a client of another worker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/reactor.h"
#include "postgres/conversations.h"
#include "proxy/client.h"
#include "proxy/ids.h"
#include "proxy/pool_gate.h"
#include "proxy/process.h"
#include "proxy/server.h"
#include "session/conversation.h"

namespace tidegate::proxy {

class CancelErrand;

class Worker final : public net::TurnHandler, public net::AcceptHandler {
 public:
  Worker(Process& process, WorkerIndex index, net::Reactor& reactor);
  ~Worker() override;

  // net
  void accepted(net::ListenerId listener, net::ParcelPtr parcel, const net::Address& peer,
                const net::Address& local) override;
  bool settle() override;

  Process& process() { return process_; }
  net::Reactor& reactor() { return reactor_; }
  WorkerIndex index() const { return index_; }
  Log& log() { return process_.log(); }
  session::Turn turn();
  postgres::Workshop& workshop() { return workshop_; }

  // The console, wired by main; null: there is none.
  void set_console(session::VirtualDatabase* console) { console_ = console; }
  session::VirtualDatabase* console() const { return console_; }

  PoolGate& gate(const Upstream& upstream) { return *gates_[upstream.index()]; }
  const std::vector<std::unique_ptr<PoolGate>>& gates() const { return gates_; }
  void gate_has_notes(PoolGate& gate) { noted_gates_.push_back(&gate); }

  // Runs within this turn, after the step that asked for it has returned.
  void later(net::Task task) { later_.push_back(std::move(task)); }

  Client* find(ClientId id) { return clients_.find(id); }
  // Removes the client at the end of the step.
  void bury(ClientId id) { dead_clients_.push_back(id); }
  void bury(PoolGate& gate, pool::ServerId id) { dead_servers_.push_back({&gate, id}); }
  std::size_t client_count() const { return clients_.size(); }
  SlotMap<Client, ClientTag>& clients() { return clients_; }

  // A cancel request that any worker received. `done` runs, on some worker, when it has reached
  // its statement or is known to be void.
  void cancel(std::uint32_t pid, Bytes key, net::Task done);
  // Sends a cancel for what `server` runs now; it stays out of the pool until that is over.
  void start_cancel(Server& server, net::Task done);
  void end_errand(CancelErrand* errand);

  // The process leaves: dismiss whoever is at rest, and the others when they come to rest.
  void dismiss_all();
  // Closes every server of this worker in good order.
  void close_servers();
  // For events that other workers raise.
  void post(net::Task task) { reactor_.post(std::move(task)); }

 private:
  void adopt(net::ParcelPtr parcel);
  Worker& least_loaded();
  void carry_out(PoolGate& gate, const pool::Action& action);
  void open_server(PoolGate& gate, const pool::Action& action);
  void assign(PoolGate& gate, const pool::Action& action);
  void link(PoolGate& gate, Server& server, const pool::Action& action);
  void receive(Upstream& upstream, std::unique_ptr<Server> server, net::ParcelPtr parcel,
               const pool::Action& action);
  void refuse(const pool::Action& action);
  void cancel_here(std::uint32_t slot, Bytes key, net::Task done);
  void want_again(const ClientName& name);
  void run_later();
  void run_gates();
  void bury_the_dead();

  Process& process_;
  WorkerIndex index_;
  net::Reactor& reactor_;
  postgres::Workshop workshop_;
  session::VirtualDatabase* console_ = nullptr;
  std::vector<std::unique_ptr<PoolGate>> gates_;  // by upstream index
  std::vector<PoolGate*> noted_gates_;
  std::vector<PoolGate*> running_gates_;  // swapped with noted_gates_ while they run
  std::vector<net::Task> later_;
  std::vector<net::Task> running_;  // swapped with later_ while it runs
  SlotMap<Client, ClientTag> clients_;
  std::atomic<std::size_t> load_{0};  // clients, readable by the other workers
  std::vector<ClientId> dead_clients_;
  struct DeadServer {
    PoolGate* gate;
    pool::ServerId id;
  };
  std::vector<DeadServer> dead_servers_;
  std::vector<std::unique_ptr<CancelErrand>> errands_;
  std::vector<std::unique_ptr<CancelErrand>> dead_errands_;
};

}  // namespace tidegate::proxy
