// SHOW CONFIG: every setting of the process, then those of each upstream, route and user by name.
#include <fmt/format.h>

#include "config/load.h"
#include "config/settings.h"

namespace tidegate::config {
namespace {

template <typename Owner>
void add_rows(const Table<Owner>& table, const Owner& owner, const Owner& fresh,
              const std::string& prefix, std::vector<ConfigRow>& rows) {
  for (const auto& setting : table) {
    if (setting.kind == Kind::url) continue;  // its parts are shown by themselves
    rows.push_back({.key = prefix + std::string(setting.name),
                    .value = setting.shown(owner),
                    .fallback = setting.shown(fresh),
                    .changeable = setting.changeable()});
  }
}

}  // namespace

std::vector<ConfigRow> show(const Config& config) {
  std::vector<ConfigRow> rows;
  Config fresh;
  fresh.listen.push_back({});
  for (const auto& section : global_sections()) {
    add_rows(section.table, config, fresh, section.full_name(""), rows);
  }
  const auto upstream_table = upstream_settings();
  for (const auto& upstream : config.upstreams) {
    add_rows(upstream_table, upstream, {}, fmt::format("upstream.{}.", upstream.name), rows);
  }
  const auto route_table = route_settings();
  const auto pool_table = pool_settings();
  for (const auto& route : config.routes) {
    const auto prefix = fmt::format("route.{}.", route.database);
    add_rows(route_table, route, {}, prefix, rows);
    add_rows(pool_table, route, {}, prefix, rows);
  }
  const auto user_table = user_settings();
  for (const auto& user : config.users) {
    add_rows(user_table, user, {}, fmt::format("user.{}.", user.name), rows);
  }
  return rows;
}

}  // namespace tidegate::config
