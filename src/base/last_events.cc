#include "base/last_events.h"

#include <cinttypes>
#include <string_view>

#include "base/reason.h"

namespace tidegate {
namespace {

// The names of the two numbers; "" for one that means nothing.
struct Words {
  const char* name;
  const char* first;
  const char* second;
};

// In the order of Event.
constexpr Words kWords[] = {
    {"none", "", ""},
    {"client_wants", "client", "route"},
    {"client_gone", "client", ""},
    {"server_ready", "server", ""},
    {"server_failed", "server", "reason"},
    {"server_released", "server", ""},
    {"assign_failed", "server", "waiter_lives"},
    {"server_silent", "server", ""},
    {"server_closing", "server", ""},
    {"server_gone", "server", ""},
    {"hold_changed", "server", "kind"},
    {"tick", "", ""},
    {"open", "server", "route"},
    {"assign", "server", "client"},
    {"close", "server", "reason"},
    {"refuse", "client", "reason"},
};
static_assert(std::size(kWords) == static_cast<std::size_t>(Event::refuse) + 1);

void print_number(std::FILE* out, std::string_view name, std::uint64_t value) {
  if (name.empty()) return;
  if (name == "reason" && value < static_cast<std::uint64_t>(reason_count())) {
    const auto text = tidegate::name(static_cast<Reason>(value));
    std::fprintf(out, " reason=%.*s", static_cast<int>(text.size()), text.data());
  } else {
    std::fprintf(out, " %.*s=%#" PRIx64, static_cast<int>(name.size()), name.data(), value);
  }
}

}  // namespace

void LastEvents::print(std::FILE* out) const {
  const auto end = next_.load(std::memory_order_relaxed);
  for (auto i = end < kKept ? 0 : end - kKept; i < end; ++i) {
    const auto& entry = ring_[i % kKept];
    const auto& words = kWords[static_cast<std::size_t>(entry.event.load())];
    const auto at_us = entry.at_ns.load() / 1000;
    std::fprintf(out, "  %" PRId64 ".%06" PRId64 " %s", at_us / 1'000'000, at_us % 1'000'000,
                 words.name);
    print_number(out, words.first, entry.first);
    print_number(out, words.second, entry.second);
    std::fputc('\n', out);
  }
}

}  // namespace tidegate
