#include "net/offload.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "net/quiet_thread.h"

namespace tidegate::net {
namespace {

class ThreadedOffload final : public Offload {
 public:
  ThreadedOffload(int threads, std::size_t queue_max) : queue_max_(queue_max) {
    for (int i = 0; i < threads; ++i) {
      threads_.push_back(start_quiet_thread([this] { serve(); }));
    }
  }
  ~ThreadedOffload() override { stop(); }

  bool run(Task&& job, Task&& done, Reactor& home) override {
    {
      std::lock_guard lock(mutex_);
      if (stopping_ || queue_.size() >= queue_max_) return false;
      queue_.push_back({std::move(job), std::move(done), &home});
    }
    filled_.notify_one();
    return true;
  }

  void stop() override {
    std::deque<Work> dropped;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      dropped.swap(queue_);
    }
    filled_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  struct Work {
    Task job;
    Task done;
    Reactor* home = nullptr;
  };

  void serve() {
    for (;;) {
      Work work;
      {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work.job();
      work.home->post(std::move(work.done));
    }
  }

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Work> queue_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Offload> Offload::make(int threads, std::size_t queue_max) {
  return std::make_unique<ThreadedOffload>(threads, queue_max);
}

}  // namespace tidegate::net
