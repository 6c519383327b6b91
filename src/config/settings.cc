#include "config/settings.h"

#include <fmt/format.h>

#include "config/nearest.h"

namespace tidegate::config {

std::vector<Section> global_sections() {
  std::vector<Section> sections;
  sections.push_back(
      {"", "The process as a whole. These stand at the top of the file.", process_settings()});
  sections.push_back({"auth", "Who may log in, and how.", auth_settings()});
  sections.push_back({"tls", "TLS towards clients.", tls_settings()});
  sections.push_back({"log", "The log: one event, one line.", log_settings()});
  return sections;
}

std::expected<void, std::string> override_setting(Config& config, std::string_view full_name,
                                                  std::string_view value) {
  std::vector<std::string> known;
  for (const auto& section : global_sections()) {
    for (const auto& setting : section.table) {
      known.push_back(section.full_name(setting.name));
      if (known.back() != full_name) continue;
      const auto done = setting.parse(config, value);
      if (!done) return std::unexpected(fmt::format("`{}` {}", full_name, done.error()));
      return {};
    }
  }
  return std::unexpected(fmt::format("unknown setting `{}`{}", full_name,
                                     did_you_mean(full_name, {known.begin(), known.end()})));
}

}  // namespace tidegate::config
