#include "cli/overrides.h"

#include <array>
#include <utility>

#include "config/types.h"

namespace tidegate::cli {
namespace {

std::expected<LogLevel, std::string> parse_level(const std::string& text) {
  constexpr std::array kLevels = {
      std::pair{"debug", LogLevel::debug}, std::pair{"info", LogLevel::info},
      std::pair{"warning", LogLevel::warning}, std::pair{"error", LogLevel::error}};
  for (const auto& [name, level] : kLevels) {
    if (text == name) return level;
  }
  return std::unexpected("--log-level: \"" + text + "\" is none of debug, info, warning, error");
}

}  // namespace

std::expected<void, std::string> apply(const ServeOptions& options, config::Config& config) {
  if (!options.listen.empty()) config.listen.clear();
  for (const auto& text : options.listen) {
    auto listen = config::parse_listen(text);
    if (!listen) return std::unexpected("--listen " + listen.error());
    config.listen.push_back(*listen);
  }
  if (options.workers > 0) config.workers = options.workers;
  if (options.log_json) config.log_json = true;
  if (options.log_level.empty()) return {};
  const auto level = parse_level(options.log_level);
  if (!level) return std::unexpected(level.error());
  config.log_level = *level;
  return {};
}

}  // namespace tidegate::cli
