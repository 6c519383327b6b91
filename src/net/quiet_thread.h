// Starts a thread that takes no signals, so that SIGTERM and SIGHUP always reach the main thread.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace tidegate::net {

template <typename Work>
std::thread start_quiet_thread(Work&& work) {
  // A new thread inherits the mask: blocking around the start leaves no window.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::forward<Work>(work));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace tidegate::net
