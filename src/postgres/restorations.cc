#include "postgres/restorations.h"

#include <algorithm>

namespace tidegate::postgres {
namespace {

using sql::Effect;

// RESET ALL passes over these (GUC_NO_RESET_ALL).
bool is_reset_by_all(std::string_view name) {
  return !same_setting(name, "role") && !same_setting(name, "session_authorization");
}

bool is_default(const Settings::Entry& entry, const Parameters& server_defaults) {
  return !entry.custom && std::ranges::any_of(server_defaults, [&](const auto& known) {
    return same_setting(known.first, entry.name) && known.second == entry.value;
  });
}

bool concerns(const sql::Effects::Name& reset, const Settings::Entry& entry) {
  return reset.effect == Effect::reset_all ? is_reset_by_all(entry.name)
                                           : same_setting(reset.text, entry.name);
}

bool resets(Effect effect) {
  return effect == Effect::reset_parameter || effect == Effect::reset_local ||
         effect == Effect::reset_all;
}

Restoration restoration(const sql::Effects::Name& reset, const Settings& at_startup,
                        const Parameters& server_defaults) {
  Restoration made{reset.statement, {}};
  const std::string_view scope = reset.effect == Effect::reset_local ? "LOCAL " : "";
  for (const auto& entry : at_startup.entries()) {
    if (!concerns(reset, entry) || is_default(entry, server_defaults)) continue;
    made.commands.push_back(set_command(scope, entry.name, entry.value));
  }
  return made;
}

}  // namespace

std::vector<Restoration> restorations(const sql::Effects& effects, const Settings& at_startup,
                                      const Parameters& server_defaults) {
  std::vector<Restoration> all;
  if (at_startup.entries().empty()) return all;
  const auto add = [&](Restoration made) {
    if (!made.commands.empty()) all.push_back(std::move(made));
  };
  for (const auto& name : effects.names) {
    if (resets(name.effect)) add(restoration(name, at_startup, server_defaults));
  }
  // PostgreSQL refuses it beside other statements.
  if (effects.has(Effect::discard_all) && effects.statements == 1) {
    add(restoration({Effect::reset_all, "*"}, at_startup, server_defaults));
  }
  return all;
}

}  // namespace tidegate::postgres
