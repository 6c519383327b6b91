#include "base/reason.h"

#include <array>

namespace tidegate {
namespace {
constexpr std::array kReasons = {
#define TG_REASON(name, sqlstate, http, text) ReasonInfo{#name, sqlstate, http, text},
#include "base/reasons.def"
#undef TG_REASON
};
}  // namespace

const ReasonInfo& info(Reason reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}
int reason_count() {
  return static_cast<int>(kReasons.size());
}

}  // namespace tidegate
