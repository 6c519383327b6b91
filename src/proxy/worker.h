// A worker: one thread with one reactor, its share of the clients, and the servers that are at home
// here. It accepts, carries out what the pools decide, and passes on what concerns another worker.
// Clients never move; a server moves when the pool gives it to a client of another worker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/last_events.h"
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
class Holder;
class Hub;

// Beyond clients_max so many more may come in: they may be cancel requests or want the console, or
// not know what they want, and the others are refused when they have said who they are. Whoever is
// still more is told at the door.
inline constexpr int kHeardOutMax = 64;
// Of these so many may stay: who looks at the console when everything is full finds out why.
inline constexpr int kConsolesBeyondMax = 8;

// Who takes longer than this to prove who it is gives way when all of these places are taken.
inline constexpr Duration kNewcomerPatience = 5s;

class Worker final : public net::TurnHandler, public net::AcceptHandler {
 public:
  Worker(Process& process, WorkerIndex index, net::Reactor& reactor);
  ~Worker() override;

  // net
  void accepted(net::ListenerId listener, net::ParcelPtr parcel, const net::Address& peer,
                const net::Address& local) override;
  void accept_shed(net::ListenerId listener) override;
  bool settle() override;

  Process& process() { return process_; }
  net::Reactor& reactor() { return reactor_; }
  WorkerIndex index() const { return index_; }
  Log& log() { return process_.log(); }
  session::Turn turn() { return {reactor_.now(), reactor_.wall_now(), entropy_}; }
  const LastEvents& last_events() const { return last_events_; }
  void note(Event event, std::uint64_t first, std::uint64_t second = 0) {
    last_events_.note(event, reactor_.now(), first, second);
  }
  postgres::Workshop& workshop() { return workshop_; }

  // The console, wired by main; null: there is none.
  void set_console(session::VirtualDatabase* console) { console_ = console; }
  session::VirtualDatabase* console() const { return console_; }

  // Clients that have not proven who they are, from their arrival until they have, or go.
  void newcomer_arrived(const Client& client) { newcomers_.insert(place_of(client)); }
  void newcomer_known(const Client& client) { newcomers_.erase(place_of(client)); }

  // Has the verifier of that user derived away from the workers; then everybody who waits for it is
  // told, on whatever worker.
  void derive_secret(const std::string& user);

  PoolGate& gate(const Upstream& upstream) { return *gates_[upstream.index()]; }
  const std::vector<std::unique_ptr<PoolGate>>& gates() const { return gates_; }
  void gate_has_notes(PoolGate& gate) { noted_gates_.push_back(&gate); }

  // Runs within this turn, after the step that asked for it has returned.
  void later(net::Task task) { later_.push_back(std::move(task)); }

  Client* find(ClientId id) { return clients_.find(id); }
  // Who waits for a server under that number, if he is still here.
  Holder* find_holder(pool::WaiterId waiter);
  // A hub that is at home here, for as long as somebody listens; gives its slot.
  std::uint32_t keep_listener(std::shared_ptr<Hub> hub);
  void let_listener_go(std::uint32_t slot);
  // Removes the client at the end of the step.
  void bury(ClientId id) { dead_clients_.push_back(id); }
  void bury(PoolGate& gate, pool::ServerId id) { dead_servers_.push_back({&gate, id}); }
  std::size_t client_count() const { return clients_.size(); }
  SlotMap<Client, ClientTag>& clients() { return clients_; }

  // A cancel request that any worker received, from this address. `done` runs, on some worker, when
  // it has reached its statement or is known to be void.
  void cancel(std::uint32_t pid, Bytes key, const std::string& from, net::Task done);
  // Sends a cancel for what `server` runs now; it stays out of the pool until that is over.
  void start_cancel(Server& server, net::Task done);
  void end_errand(CancelErrand* errand);

  // The process leaves: dismiss whoever is at rest, and the others when they come to rest.
  void dismiss_all();
  // The process leaves now: whoever is still here is told so.
  void dismiss_everybody();
  // Ends the stats_period of this worker if it is over. Every turn does so; whoever reads
  // Route::last_period() before the turn's end asks for it first. There is no timer: while no turn
  // comes nothing changes that could be counted.
  void end_period();
  // Closes every server of this worker in good order; none is opened from here on.
  void close_servers();
  bool closing_servers() const { return closing_servers_; }
  // For events that other workers raise.
  void post(net::Task task) { reactor_.post(std::move(task)); }

 private:
  using Newcomer = std::pair<Instant, std::uint64_t>;  // when it came, and its id

  static Newcomer place_of(const Client& client) {
    return {client.connected_at(), client.id().packed()};
  }
  bool make_room();
  void secret_derived(const std::string& user);
  void adopt(net::ParcelPtr parcel, const net::Address& peer);
  void turn_away(net::ParcelPtr parcel, Reason reason);
  Worker& least_loaded();
  void note(const pool::Action& action);
  void carry_out(PoolGate& gate, const pool::Action& action);
  void open_server(PoolGate& gate, const pool::Action& action);
  void assign(PoolGate& gate, const pool::Action& action);
  void link(PoolGate& gate, Server& server, const pool::Action& action);
  void receive(Upstream& upstream, std::unique_ptr<Server> server, net::ParcelPtr parcel,
               const pool::Action& action);
  void refuse(const pool::Action& action);
  void cancel_here(std::uint32_t slot, Bytes key, const std::string& from, net::Task done);
  void log_cancel(const Client* target, const std::string& from);
  void want_again(const pool::Action& action);
  void run_later();
  void run_gates();
  void bury_the_dead();
  void forget_routes();

  Process& process_;
  WorkerIndex index_;
  net::Reactor& reactor_;
  Entropy& entropy_;
  LastEvents last_events_;
  postgres::Workshop workshop_;
  session::VirtualDatabase* console_ = nullptr;
  std::vector<std::unique_ptr<PoolGate>> gates_;  // by upstream index
  std::vector<PoolGate*> noted_gates_;
  std::vector<PoolGate*> running_gates_;  // swapped with noted_gates_ while they run
  std::vector<net::Task> later_;
  std::vector<net::Task> running_;  // swapped with later_ while it runs
  SlotMap<Client, ClientTag> clients_;
  std::atomic<std::size_t> load_{0};  // clients, readable by the other workers
  std::set<Newcomer> newcomers_;
  std::vector<ClientId> dead_clients_;
  struct DeadServer {
    PoolGate* gate;
    pool::ServerId id;
  };
  std::vector<DeadServer> dead_servers_;
  std::vector<std::unique_ptr<CancelErrand>> errands_;
  std::vector<std::unique_ptr<CancelErrand>> dead_errands_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Hub>> listeners_;  // by slot
  std::uint32_t listener_slot_last_ = 0;
  bool closing_servers_ = false;
  Instant period_ends_;
  Instant forget_at_ = Instant::never();  // when to look for routes that nobody uses any more
};

}  // namespace tidegate::proxy
