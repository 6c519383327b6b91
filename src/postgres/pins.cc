#include "postgres/pins.h"

#include <array>
#include <utility>

#include "postgres/settings.h"

namespace tidegate::postgres {
namespace {

using sql::Effect;

constexpr std::array<std::pair<Effect, std::string_view>, 10> kPins = {{
    {Effect::set_role, "role"},
    {Effect::listen, "listen"},
    {Effect::temp_object, "temporary table"},
    {Effect::advisory_lock, "advisory lock"},
    {Effect::sql_prepare, "prepare"},
    {Effect::cursor_with_hold, "cursor with hold"},
    {Effect::load, "load"},
    {Effect::setseed, "setseed"},
    {Effect::session_function, "session function"},
    {Effect::unreadable, "unreadable name"},  // it may be any of the above
}};

}  // namespace

std::string_view pin_reason(const sql::Effects& effects) {
  for (const auto& [effect, reason] : kPins) {
    if (effects.has(effect)) return reason;
  }
  return {};
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
