#include "net/mailbox.h"

#include <sys/eventfd.h>

#include "base/check.h"

namespace tidegate::net {

Mailbox::Mailbox() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  TG_CHECK(event_);
}

void Mailbox::post(Task task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  filled_.store(true);
  if (sleeping_.load()) wake();
}

void Mailbox::wake() {
  if (!sleeping_.exchange(false)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

bool Mailbox::prepare_to_sleep() {
  sleeping_.store(true);
  if (!filled_.load()) return true;
  sleeping_.store(false);
  return false;
}

void Mailbox::run_all() {
  if (!filled_.exchange(false)) return;
  {
    std::lock_guard lock(mutex_);
    running_.swap(tasks_);
  }
  for (auto& task : running_) task();
  running_.clear();
}

}  // namespace tidegate::net
