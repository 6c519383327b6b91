// Reason: why something was refused, lost or closed. See reasons.def for the table.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidegate {

enum class Reason : std::uint8_t {
#define TG_REASON(name, sqlstate, http, text) name,
#include "base/reasons.def"
#undef TG_REASON
};

struct ReasonInfo {
  std::string_view name;
  std::string_view sqlstate;
  int http_status;
  std::string_view text;
};

const ReasonInfo& info(Reason reason);
inline std::string_view name(Reason reason) {
  return info(reason).name;
}
int reason_count();

}  // namespace tidegate
