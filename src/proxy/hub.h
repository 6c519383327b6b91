// The listener of one database, shared by the clients of all workers: ten thousand of them cost one
// server. It is opened through the pool for the first who listens, counts in the budget, and is
// closed behind the last. If it is lost it is made anew, and whoever listens is told that something
// may have been missed.
//
// A hub is at home on the worker of its first client; the other workers send it their wishes, and
// are sent what comes through, as tasks. Tasks keep their order, and so do notifications.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/reactor.h"
#include "proxy/holder.h"
#include "proxy/subscriptions.h"
#include "session/listening.h"

namespace tidegate::proxy {

class Route;
class Worker;

class Hub final : public Holder,
                  public session::ListenerPort,
                  public net::TimerHandler,
                  public std::enable_shared_from_this<Hub> {
 public:
  ~Hub() override;

  // --- From any worker ---
  struct Wish {
    Subscriber who;
    std::uint32_t request = 0;  // 0: no answer is wanted
    std::vector<std::string> channels;
  };
  void listen(Worker& from, const std::shared_ptr<Route>& route, Wish wish);
  void unlisten(Wish wish);
  void leave(const Subscriber& who);
  // Answered when what was committed before has come to the clients of all workers.
  void want_barrier(Worker& from, const Subscriber& who);
  bool is_listened_to() const { return subscriptions_there_.load() > 0; }
  // What this server process sends is the doing of the client that was told that process id.
  void sends_by(std::uint32_t process_id, std::uint32_t told);
  void sent_all(std::uint32_t process_id);

  // --- At home ---
  // The worker ends before it does.
  void stop();

  pool::WaiterId waiter() const override;
  bool waits(std::uint32_t wait) const override {
    return state_ == State::waiting && wait == wait_number_;
  }
  std::uint32_t wait_number() const override { return wait_number_; }
  void link(Server& server) override;
  void want_again(std::uint32_t wait) override;
  void refuse(Reason reason) override;
  void server_lost(Reason reason, const std::string& detail) override;
  void feed() override {}
  bool output_full() const override { return false; }

  std::uint32_t sender_of(std::uint32_t process_id) override;
  void notified(session::NotificationRef notification) override;
  void listener_answered() override;
  void listener_refused(std::string_view why) override;

  void timer_fired(net::TimerId timer, std::uint64_t cookie) override;

 private:
  enum class State : std::uint8_t {
    idle,     // nobody listens
    waiting,  // for a server
    linked,
    resting,  // until it is tried again
  };
  struct Pending {
    Subscriber who;
    std::uint32_t request;
    std::uint64_t need;  // the request to the listener that settles it; 0: it has none yet
  };

  void listen_here(const std::shared_ptr<Route>& route, const Wish& wish);
  void unlisten_here(const Wish& wish);
  void remove(const Subscriber& who, const std::vector<std::string>& channels);
  void barrier_here(const Subscriber& who);
  void send_barrier();
  void pass_barrier(std::vector<Subscriber> waiting);
  void begin(const std::shared_ptr<Route>& route);
  void want_server(bool again);
  void end();
  void rest();
  void lose(std::string_view why);
  void answer(bool granted, std::uint64_t up_to);
  void answer(const Subscriber& who, std::uint32_t request, bool granted);
  void tell_missed();
  void watch();
  void arm(Duration after);
  void disarm();
  void describe();
  void changed() { subscriptions_there_.store(subscriptions_.count()); }

  std::atomic<Worker*> home_{nullptr};
  std::atomic<std::size_t> subscriptions_there_{0};
  std::mutex senders_lock_;
  std::unordered_map<std::uint32_t, std::uint32_t> senders_;  // process ids: the server's, ours

  // --- The home worker's alone ---
  Subscriptions subscriptions_;
  std::shared_ptr<Route> route_;  // of the first who listened
  std::unique_ptr<session::ListenerConversation> conversation_;
  Server* server_ = nullptr;
  std::vector<Pending> pending_;
  std::vector<Subscriber> barriers_;        // whose barrier was sent
  std::vector<Subscriber> later_barriers_;  // ... and who came behind it
  std::uint64_t barrier_number_ = 0;        // 0: none is on its way
  std::uint64_t asked_ = 0, answered_ = 0;  // requests to this listener
  std::uint64_t watched_ = 0;               // what had been answered when the timer was armed
  std::uint32_t slot_ = 0, wait_number_ = 0;
  Instant wait_since_{};
  Duration rest_{};
  net::TimerId timer_;
  State state_ = State::idle;
  bool missed_ = false;
};

}  // namespace tidegate::proxy
