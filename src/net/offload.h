// Work that blocks or burns - PBKDF2 of a cleartext secret, file reads, log output - leaves the
// workers through here: a few threads and one bounded queue.
#pragma once

#include <memory>

#include "net/reactor.h"

namespace tidegate::net {

class Offload {
 public:
  virtual ~Offload() = default;
  // Runs `job` on some thread, then posts `done` to `home`. False when the queue is full: nothing
  // was taken, the caller refuses or tries later.
  virtual bool run(Task&& job, Task&& done, Reactor& home) = 0;
  // Waits for the jobs under way and drops the others.
  virtual void stop() = 0;

  static std::unique_ptr<Offload> make(int threads, std::size_t queue_max);
};

}  // namespace tidegate::net
