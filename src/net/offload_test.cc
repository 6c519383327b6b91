#include "net/offload.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/stream_test_support.h"

namespace tidegate::net {
namespace {

// Holds a thread until it is opened.
class Gate {
 public:
  void open() {
    {
      std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class OffloadTest : public ReactorTest {};

TEST_F(OffloadTest, JobElsewhereDoneAtHome) {
  std::thread::id job, done;
  reactor_->offload([&] { job = std::this_thread::get_id(); },
                    [&] { done = std::this_thread::get_id(); });
  ASSERT_TRUE(run_until([&] { return done != std::thread::id(); }));
  EXPECT_NE(job, done);
  EXPECT_EQ(done, std::this_thread::get_id());
}

TEST_F(OffloadTest, FullQueueTakesNothing) {
  Gate gate;
  Gate started;
  int done = 0;
  const auto small = Offload::make(1, 2);
  ASSERT_TRUE(small->run(
      [&] {
        started.open();
        gate.wait();
      },
      [&] { ++done; }, *reactor_));
  started.wait();
  EXPECT_TRUE(small->run([] {}, [&] { ++done; }, *reactor_));
  EXPECT_TRUE(small->run([] {}, [&] { ++done; }, *reactor_));
  Task job = [] {};
  Task last = [&] { ++done; };
  EXPECT_FALSE(small->run(std::move(job), std::move(last), *reactor_));
  EXPECT_TRUE(job != nullptr && last != nullptr);
  gate.open();
  EXPECT_TRUE(run_until([&] { return done == 3; }));
  small->stop();
}

TEST_F(OffloadTest, FullQueueMakesTheWorkerDoIt) {
  const auto nobody = Offload::make(0, 0);
  const auto reactor = EpollReactor::make(*nobody);
  std::vector<int> order;
  reactor->offload([&] { order.push_back(1); }, [&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  reactor->run_once(*this, 0ms);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(OffloadTest, StopDropsWhatHasNotBegun) {
  Gate gate;
  Gate started;
  std::atomic<int> jobs = 0;
  const auto offload = Offload::make(1, 10);
  offload->run(
      [&] {
        started.open();
        gate.wait();
        ++jobs;
      },
      [] {}, *reactor_);
  for (int i = 0; i < 5; ++i) offload->run([&] { ++jobs; }, [] {}, *reactor_);
  started.wait();
  std::thread opener([&] {
    // stop() empties the queue before it waits; then nothing more can be taken.
    while (offload->run([] {}, [] {}, *reactor_)) std::this_thread::yield();
    gate.open();
  });
  offload->stop();
  opener.join();
  EXPECT_EQ(jobs, 1);
}

TEST_F(OffloadTest, PostsFromManyThreadsAllArriveInOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  std::vector<int> seen(kThreads, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        reactor_->post([&seen, t, i] {
          EXPECT_EQ(seen[t], i);
          ++seen[t];
        });
      }
    });
  }
  EXPECT_TRUE(run_until([&] { return seen == std::vector<int>(kThreads, kPosts); }));
  for (auto& thread : threads) thread.join();
}

TEST_F(OffloadTest, APostEndsALongSleep) {
  bool ran = false;
  std::thread poster([&] { reactor_->post([&] { ran = true; }); });
  reactor_->run_once(*this, 10s);
  if (!ran) reactor_->run_once(*this, 10s);
  EXPECT_TRUE(ran);
  poster.join();
}

}  // namespace
}  // namespace tidegate::net
