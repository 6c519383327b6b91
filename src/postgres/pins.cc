#include "postgres/pins.h"

#include <algorithm>
#include <array>

#include "postgres/settings.h"

namespace tidegate::postgres {
namespace {

using sql::Effect;

struct Cause {
  Effect effect;
  Pin pin;
};
constexpr std::array<Cause, 8> kCauses = {{
    {Effect::listen, {"listen", true}},
    {Effect::temp_object, {"temporary table", false}},
    {Effect::advisory_lock, {"advisory lock", false}},
    {Effect::cursor_with_hold, {"cursor with hold", false}},
    {Effect::load, {"load", true}},
    {Effect::setseed, {"setseed", true}},
    {Effect::session_function, {"session function", true}},
    {Effect::unreadable, {"unreadable name", true}},  // it may be any of the above
}};

}  // namespace

Pin pin_of(const sql::Effects& effects, bool listened_for) {
  Pin pin;
  for (const auto& cause : kCauses) {
    const bool is_none = cause.effect == Effect::listen && listened_for;
    if (is_none || !effects.has(cause.effect)) continue;
    if (pin.reason.empty()) pin.reason = cause.pin.reason;
    pin.lasts |= cause.pin.lasts;
  }
  return pin;
}

Pin pin_named(std::string_view reason) {
  const auto* cause =
      std::ranges::find(kCauses, reason, [](const Cause& each) { return each.pin.reason; });
  return cause != kCauses.end() ? cause->pin : Pin{"unknown", true};
}

bool may_unpin(const sql::Effects& effects) {
  return effects.has(Effect::advisory_unlock) || effects.has(Effect::closes_cursor) ||
         effects.has(Effect::defines) || effects.has(Effect::discard_other) ||
         effects.has(Effect::discard_all);  // what stands behind it keeps its answer from unpinning
}

// A procedure or block may define anything.
Changes changes_of(const sql::Effects& effects) {
  const bool settings = effects.has(Effect::set_parameter) || effects.has(Effect::set_config) ||
                        effects.has(Effect::reset_parameter) || effects.has(Effect::set_local) ||
                        effects.has(Effect::reset_all) || effects.has(Effect::discard_all) ||
                        effects.has(Effect::discard_other) || effects.has(Effect::set_role) ||
                        effects.has(Effect::opaque) || effects.has(Effect::ends_transaction) ||
                        effects.has(Effect::rolls_back_to);
  return {settings, effects.has(Effect::defines) || effects.has(Effect::opaque)};
}

bool may_change_text_rules(const sql::Effects& effects, std::string_view text) {
  if (!changes_of(effects).settings) return false;
  return effects.has(Effect::reset_all) || effects.has(Effect::discard_all) ||
         effects.has(Effect::opaque) || mentions_text_rules(text);
}

}  // namespace tidegate::postgres
