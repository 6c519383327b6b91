// How many clients there are, exactly, over all workers: in total, per worker, per user and per
// database. Admission asks here; whoever was counted is counted out once, by dropping its tickets.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace tidegate::proxy {

// A counter with a limit; 0 = no limit.
class Gauge {
 public:
  bool enter(int limit) {
    const int before = count_.fetch_add(1, std::memory_order_relaxed);
    if (limit == 0 || before < limit) return true;
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void leave() { count_.fetch_sub(1, std::memory_order_relaxed); }
  int count() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> count_{0};
};

// Holds one place in a gauge for as long as it lives.
class Ticket {
 public:
  Ticket() = default;
  static Ticket take(Gauge& gauge, int limit) {
    return gauge.enter(limit) ? Ticket(&gauge) : Ticket();
  }
  Ticket(Ticket&& other) noexcept : gauge_(std::exchange(other.gauge_, nullptr)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    if (this != &other) {
      drop();
      gauge_ = std::exchange(other.gauge_, nullptr);
    }
    return *this;
  }
  ~Ticket() { drop(); }

  explicit operator bool() const { return gauge_ != nullptr; }
  void drop() {
    if (gauge_ != nullptr) std::exchange(gauge_, nullptr)->leave();
  }

 private:
  explicit Ticket(Gauge* gauge) : gauge_(gauge) {}
  Gauge* gauge_ = nullptr;
};

}  // namespace tidegate::proxy
