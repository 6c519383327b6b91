#include "config/names.h"

#include <algorithm>

#include "config/pgbouncer_settings.h"
#include "config/settings.h"

namespace tidegate::config {
namespace {

template <typename Owner>
bool has(const Table<Owner>& table, std::string_view name) {
  return std::ranges::any_of(table, [name](const auto& setting) {
    return setting.name == name || setting.ini_name == name;
  });
}

bool is_section(std::string_view name) {
  constexpr std::string_view kOfMany[] = {"upstream", "pool", "route", "user"};
  return std::ranges::find(kOfMany, name) != std::end(kOfMany) ||
         std::ranges::any_of(global_sections(),
                             [name](const Section& section) { return section.name == name; });
}

}  // namespace

bool is_name_of_setting(std::string_view name) {
  if (name.empty()) return false;
  if (find(pgbouncer_settings(), name) != nullptr) return true;
  if (find(pgbouncer_database_keys(), name) != nullptr) return true;
  if (find(pgbouncer_user_keys(), name) != nullptr) return true;
  // "route.shop.pool_size", as SHOW CONFIG names it: no setting has a point in its own name.
  const auto own = name.substr(name.rfind('.') + 1);
  if (own.size() < name.size() && !is_section(name.substr(0, name.find('.')))) return false;
  const bool process = std::ranges::any_of(
      global_sections(), [own](const Section& section) { return has(section.table, own); });
  return process || has(upstream_settings(), own) || has(pool_settings(), own) ||
         has(route_settings(), own) || has(user_settings(), own);
}

}  // namespace tidegate::config
