#include "cli/overrides.h"

#include "config/settings.h"
#include "config/types.h"

namespace tidegate::cli {

std::expected<void, std::string> apply(const ServeOptions& options, config::Config& config) {
  if (!options.listen.empty()) config.listen.clear();
  std::string wrong;
  for (const auto& text : options.listen) {
    auto listen = config::parse_listen(text);
    if (listen) {
      config.listen.push_back(*listen);
    } else {
      wrong += (wrong.empty() ? "" : "; ") + ("--listen " + listen.error());
    }
  }
  if (!wrong.empty()) return std::unexpected(wrong);
  if (options.workers > 0) config.workers = options.workers;
  if (options.log_json) config.log_json = true;
  if (options.log_level.empty()) return {};
  return config::override_setting(config, "log.level", options.log_level);
}

}  // namespace tidegate::cli
