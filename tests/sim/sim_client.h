// A simulated client: connects, logs in, runs random transactions with every habit and whim, and
// compares each reply with what its own model of the session says. Nothing that it may be told is
// left open: a reply is the expected one, or an error that the faults of this run excuse - once.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hold.h"
#include "net/sim_network.h"
#include "sim/client_world.h"
#include "sim/sim_session.h"
#include "sim/workload.h"

namespace tidegate::auth {
class ScramClient;
}

namespace tidegate::sim {

class SimClient final : public net::SimSocketWatcher {
 public:
  struct Person {
    int number;
    std::string user;
    std::string database;
    PoolMode mode;  // of its route
    int transactions;
  };
  SimClient(ClientWorld& world, const Person& person, const HabitWeights& habits);
  ~SimClient() override;

  void start();
  bool finished() const { return state_ == State::finished; }
  // For the report of a run that does not come to its end.
  std::string describe() const;

 private:
  enum class State : std::uint8_t {
    resting,  // between two connections
    connecting,
    ssl_answer,
    securing,
    logging_in,
    working,
    leaving,  // has said goodbye; waits for the end
    finished,
  };
  class Cancel;
  enum class Mistake : std::uint8_t { none, wrong_password, unknown_database };

  // Life
  void connect();
  void connected(net::SimSocket socket, net::CloseReason outcome);
  void socket_changed() override;
  void read();
  void ended(std::string_view how);
  void rest();
  void leave();
  void leave_with_query(Whim whim);

  // What a process that leaves may do to this connection.
  bool may_be_dismissed() const { return world_.outlook.leaves > leaves_before_; }
  bool may_be_cut_off() const { return world_.outlook.last_at_once > leaves_before_; }

  // Login
  void begin_security();
  void ask_security(std::uint32_t code);
  void say_hello();
  void send_startup();
  bool take_ssl_answer();
  bool take_hello();
  void take_login(const Message& message);
  void take_authentication(const Message& message);
  void send_password(const std::string& proof);
  void take_login_error(const Message& message);
  bool login_may_fail(const std::string& sqlstate);
  std::string password() const;
  void logged_in();

  // Work
  void pump();
  void send(Exchange exchange);
  void fill_in(Exchange& exchange);
  void take_reply(const Message& message);
  void take_error(const Message& message);
  void take_cancelled(const Message& message);
  void take_after_error(const Message& message);
  bool excused(const std::string& sqlstate) const;
  bool take_dismissal(const Message& message);
  bool has_begun() const;
  void complete();
  void check_reported(const Exchange& exchange);
  void maybe_cancel();
  void cancel_at_any_time();
  bool cancel_may_come() const;
  void send_cancel(bool loose);
  void give_up(Exchange& exchange);

  bool whim(Whim whim);
  void count(Whim whim) { ++world_.totals.whims[static_cast<std::size_t>(whim)]; }
  void write(std::string_view bytes);
  void flush();
  void finding(const std::string& text);
  void trace(const std::string& text);
  // Runs `step` later, unless this connection is over by then.
  template <typename Step>
  void later(Duration delay, Step step) {
    world_.network.after(delay, [this, alive = std::weak_ptr(alive_), life = life_, step] {
      if (!alive.expired() && life == life_) step();
    });
  }

  ClientWorld& world_;
  net::SimRandom random_;
  int number_;
  std::string user_;
  std::string database_;
  PoolMode mode_;
  Parameters startup_;
  Workload workload_;
  int transactions_left_;
  int session_left_ = 0;
  int attempts_left_;

  State state_ = State::resting;
  std::uint64_t life_ = 0;  // counts connections, so that late events know theirs is over
  net::SimSocket socket_;
  std::shared_ptr<net::SimAttempt> attempt_;
  MessageReader reader_;
  std::string output_;
  bool reading_paused_ = false;
  bool drip_ = false;  // writes in small pieces
  bool dripping_ = false;
  bool finish_after_output_ = false;
  std::uint64_t leaves_before_ = 0;   // that this connection has nothing to do with
  std::uint32_t security_asked_ = 0;  // the request whose answer is awaited
  bool secured_ = false;
  Mistake mistake_ = Mistake::none;
  std::unique_ptr<auth::ScramClient> scram_;
  ByteBuffer channel_binding_;

  std::unique_ptr<SimSession> model_;
  std::unique_ptr<SimSession> before_;  // the cancellable exchange under way
  std::map<std::string, std::string> told_;
  std::deque<Exchange> planned_;
  std::deque<Exchange> under_way_;
  std::size_t matched_ = 0;  // replies of the front exchange
  int depth_ = 1;
  bool thinking_ = false;
  bool error_taken_ = false;  // an excused error; ReadyForQuery or the end must follow
  bool fatal_taken_ = false;
  bool dismissed_ = false;  // at rest, by a process that leaves: what was sent since is not run
  bool doomed_ = false;     // has sent what its route forbids
  char status_ = 'I';       // of the last ReadyForQuery; '?' in the middle of a batch
  std::uint32_t cancel_pid_ = 0;
  std::uint32_t cancel_key_ = 0;
  std::unique_ptr<Cancel> cancel_;
  bool cancel_asked_ = false;        // for the exchange at the front
  bool cancel_unsure_ = false;       // one may still be on its way, for all this client knows
  std::deque<std::string> history_;  // the last things said and heard, for a finding
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// A cancel request on a connection of its own.
class SimClient::Cancel final : public net::SimSocketWatcher {
 public:
  // `loose`: the client goes on meanwhile.
  Cancel(SimClient& client, bool loose);
  bool done() const { return done_; }
  bool loose() const { return loose_; }

 private:
  void socket_changed() override;
  // `sure`: it is delivered, or will never be.
  void over(bool sure);

  SimClient& client_;
  std::uint64_t life_;
  net::SimSocket socket_;
  std::string output_;
  bool loose_;
  bool done_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The reported settings as one line, from the model and from what the client was told.
std::string reported_text(const SimSettings& settings);
std::string reported_text(const std::map<std::string, std::string>& told);

}  // namespace tidegate::sim
