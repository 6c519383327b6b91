#include "proxy/crowd.h"

#include <fmt/format.h>

#include <utility>

namespace tidegate::proxy {
namespace {

constexpr std::pair<HoldKind, const char*> kHolders[] = {
    {HoldKind::transaction, "in transactions"},
    {HoldKind::session, "held by sessions"},
    {HoldKind::pin, "pinned"},
    {HoldKind::login, "used by logins"},
    {HoldKind::listen, "listening"},
    {HoldKind::direct, "used directly"},
};

std::string size_of(const pool::RouteLimits& limits) {
  auto text = fmt::format("pool_size {}", limits.pool_size);
  if (limits.max_overflow > 0) text += fmt::format(" and max_overflow {}", limits.max_overflow);
  return text;
}

std::string servers_of(const pool::RouteCounts& counts) {
  std::string text;
  const auto add = [&text](int number, std::string_view what) {
    if (number > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, what);
  };
  for (const auto& [kind, words] : kHolders) {
    add(counts.held_by_kind[static_cast<int>(kind)], words);
  }
  add(counts.opening, "being opened");
  add(counts.idle, "idle");
  add(counts.closing, "closing");
  return text.empty() ? "none open" : text;
}

bool budget_is_in_the_way(const Crowd& crowd) {
  const auto& counts = crowd.counts;
  const int own = counts.opening + counts.idle + counts.held + counts.closing;
  return crowd.servers >= crowd.budget && own < crowd.limits.pool_size + crowd.limits.max_overflow;
}

}  // namespace

bool is_of_a_crowd(Reason reason) {
  return reason == Reason::pool_timeout || reason == Reason::queue_full ||
         reason == Reason::overload_shed;
}

session::Failure describe(Reason reason, const Crowd& crowd) {
  session::Failure failure{.reason = reason};
  const auto& counts = crowd.counts;
  failure.detail = fmt::format("servers of the route: {}; {}; {} more waiting", servers_of(counts),
                               size_of(crowd.limits), counts.waiting);
  if (budget_is_in_the_way(crowd)) {
    failure.detail += fmt::format("; the upstream's budget of {} is used up", crowd.budget);
  }
  if (counts.held_by_kind[static_cast<int>(HoldKind::pin)] > 0) {
    failure.hint =
        "Pinned clients keep their servers while they are idle: SHOW SERVERS on the console tells "
        "who and why, and pins_max limits them.";
  }
  return failure;
}

}  // namespace tidegate::proxy
