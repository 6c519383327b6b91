#include "config/belongs.h"

#include <optional>

#include <fmt/format.h>

#include "config/settings.h"

namespace tidegate::config {
namespace {

struct Found {
  std::string names;    // of the section or sections
  bool by_ini = false;  // the key is PgBouncer's word for it
  std::string name;
};

template <typename Owner>
void look(const Table<Owner>& table, std::string_view key, const std::string& section,
          std::optional<Found>& found) {
  const auto* setting = table.find(key);
  const bool by_ini = setting == nullptr;
  if (by_ini) setting = table.find_ini(key);
  if (setting == nullptr) return;
  if (!found || (found->by_ini && !by_ini)) {
    found = Found{section, by_ini, std::string(setting->name)};
  } else if (found->by_ini == by_ini) {
    found->names += " or " + section;
  }
}

}  // namespace

std::string where_it_belongs(std::string_view key) {
  std::optional<Found> found;
  for (const auto& section : global_sections()) {
    const auto title = section.name.empty() ? std::string("at the top of the file, above all [...]")
                                            : fmt::format("in [{}]", section.name);
    look(section.table, key, title, found);
  }
  look(pool_settings(), key, "in [pool] or [route.NAME]", found);
  look(route_settings(), key, "in [route.NAME]", found);
  look(upstream_settings(), key, "in [upstream.NAME]", found);
  look(user_settings(), key, "in [user.NAME]", found);
  if (!found) return "";
  if (!found->by_ini) return fmt::format(": it belongs {}", found->names);
  return fmt::format(": PgBouncer's word; here it is `{}`, {}", found->name, found->names);
}

}  // namespace tidegate::config
