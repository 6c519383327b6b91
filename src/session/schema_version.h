// How often what a database defines may have changed, as far as its replies tell: tables, types,
// functions. PostgreSQL decides at Parse what a text refers to and which types its parameters have,
// so who prepares a text after a change must not be given what others prepared before it. Shared by
// all workers; what was changed past Tidegate is not counted.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidegate::session {

class SchemaVersion {
 public:
  std::uint64_t now() const { return version_.load(std::memory_order_relaxed); }
  void changed() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace tidegate::session
