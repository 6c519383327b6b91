// A running pooler: reactors, workers, listeners and their threads, put together from a
// configuration. main and the tests wire nothing else.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "admin/console.h"
#include "base/log.h"
#include "cli/stragglers.h"
#include "net/epoll_reactor.h"
#include "net/listener.h"
#include "net/offload.h"
#include "proxy/process.h"
#include "proxy/worker.h"

namespace tidegate::cli {

// How many threads serve clients.
std::size_t worker_count(const config::Config& config);

class Service {
 public:
  // Everything is open when this returns, and nothing runs. The error is for a human.
  static std::expected<std::unique_ptr<Service>, std::string> make(config::Config config, Log& log);
  ~Service();
  Service(const Service&) = delete;

  void start();
  // No new clients; those that are at rest are dismissed, the others finish their transactions.
  void leave();
  bool clients_are_gone() const { return process_->clients().count() == 0; }
  // Whom leaving waits for.
  std::vector<Straggler> stragglers();
  // Says goodbye to the databases, each of which has its close_timeout to close its end.
  void close_servers();
  std::size_t servers_left();
  // How many clients still have something coming.
  net::LastWords last_words();
  // A word to whoever is left, in whatever state.
  void dismiss_everybody();
  // Ends the threads.
  void stop();

  // Where clients may connect, as "host:port" or a socket's path.
  std::vector<std::string> addresses() const;
  std::size_t workers() const { return lanes_.size(); }

 private:
  // What one thread runs.
  struct Lane {
    std::unique_ptr<net::EpollReactor> reactor;
    std::unique_ptr<proxy::Worker> worker;
    std::unique_ptr<admin::Console> console;
    std::vector<net::ListenerId> accepting;
    std::thread thread;
  };

  Service() = default;
  // What check_failed() has us print: the last events of every worker.
  static void say_last_events(const void* service);
  std::expected<void, std::string> open_listeners();
  void open_lanes(std::size_t count);
  // Runs `task` on every worker and waits until all have.
  template <typename OnWorker>
  void on_every_worker(OnWorker task);

  std::unique_ptr<net::Offload> offload_;
  std::unique_ptr<proxy::Process> process_;
  std::vector<std::shared_ptr<net::Listener>> listeners_;
  std::vector<Lane> lanes_;
  bool running_ = false;
};

}  // namespace tidegate::cli
