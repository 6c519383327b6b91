// Tasks on their way into a reactor, from any thread. Many posts between two turns cost one
// wake-up, and none at all while the reactor is awake: it looks into the mailbox before it sleeps.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "net/file_descriptor.h"
#include "net/reactor.h"

namespace tidegate::net {

class Mailbox {
 public:
  Mailbox();

  // Any thread.
  void post(Task task);
  void wake();

  // The reactor's thread. False: something came in meanwhile, do not sleep.
  bool prepare_to_sleep();
  void woke_up() { sleeping_.store(false); }
  // Runs what had been posted before the call, in order.
  void run_all();

  // Registered edge-triggered, so that nobody has to read it: each write is an edge.
  int descriptor() const { return event_.get(); }

 private:
  FileDescriptor event_;
  // Sequentially consistent both: a poster sets filled_ and then looks at sleeping_, the reactor
  // the other way round, so at least one of them sees the other.
  std::atomic<bool> filled_ = false;
  std::atomic<bool> sleeping_ = false;
  std::mutex mutex_;
  std::vector<Task> tasks_;    // guarded by mutex_
  std::vector<Task> running_;  // kept for its capacity
};

}  // namespace tidegate::net
