// All settings, by what they belong to. Each table has a file of its own (settings_pool.cc, ...).
#pragma once

#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/setting.h"

namespace tidegate::config {

Table<Config> process_settings();     // at the top of the file
Table<Config> auth_settings();        // [auth]
Table<Config> tls_settings();         // [tls]: towards clients
Table<Config> log_settings();         // [log]
Table<Upstream> upstream_settings();  // [upstream.NAME]
Table<Route> pool_settings();         // [pool] for every route, [route.NAME] for one
Table<Route> route_settings();        // [route.NAME] alone
Table<User> user_settings();          // [user.NAME]

// The tables of the whole process with the names of their sections; the first has none.
struct Section {
  std::string_view name;
  std::string_view about;
  Table<Config> table;

  // As SHOW CONFIG and messages name it: "log.level".
  std::string full_name(std::string_view setting) const {
    return name.empty() ? std::string(setting) : std::string(name) + "." + std::string(setting);
  }
};
std::vector<Section> global_sections();

// One setting of the whole process from the command line: override_setting(config, "log.level",
// "debug"). The error is a whole sentence.
std::expected<void, std::string> override_setting(Config& config, std::string_view full_name,
                                                  std::string_view value);

}  // namespace tidegate::config
