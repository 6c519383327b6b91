#include "cli/reasons.h"

#include <fmt/format.h>

#include "base/reason.h"

namespace tidegate::cli {
namespace {

constexpr std::string_view kIntroduction = R"(# Reasons

Printed by `tidegate reasons` from the table that also makes the errors. A reason's name stands in
the log (`reason=pool_timeout`), its text is what the client reads, more of the case in parentheses
behind it. What happens around it is in [errors.md](errors.md).

| reason | SQLSTATE | what it says |
|---|---|---|
)";

}  // namespace

std::string manual_of_reasons() {
  std::string out(kIntroduction);
  for (int i = 0; i < reason_count(); ++i) {
    const auto reason = static_cast<Reason>(i);
    if (reason == Reason::none) continue;
    const auto& [name, sqlstate, http_status, text] = info(reason);
    out += fmt::format("| `{}` | {} | {} |\n", name, sqlstate, text);
  }
  return out;
}

}  // namespace tidegate::cli
