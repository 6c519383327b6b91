#include "cli/overrides.h"

#include <array>
#include <charconv>
#include <utility>

namespace tidegate::cli {
namespace {

constexpr int kPortMax = 65535;

bool parse_port(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 0 && port <= kPortMax;
}

std::expected<LogLevel, std::string> parse_level(const std::string& text) {
  constexpr std::array kLevels = {std::pair{"debug", LogLevel::debug},
                                  std::pair{"info", LogLevel::info},
                                  std::pair{"warning", LogLevel::warning},
                                  std::pair{"error", LogLevel::error}};
  for (const auto& [name, level] : kLevels) {
    if (text == name) return level;
  }
  return std::unexpected("--log-level: \"" + text + "\" is none of debug, info, warning, error");
}

}  // namespace

std::expected<config::Listen, std::string> parse_listen(const std::string& text) {
  config::Listen listen;
  if (text.starts_with('/') || text.starts_with('@')) {
    listen.host = text;
    return listen;
  }
  const auto colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && text.find(']', colon) == std::string::npos;
  auto host = has_port ? text.substr(0, colon) : text;
  if (has_port && !parse_port(std::string_view(text).substr(colon + 1), listen.port)) {
    return std::unexpected("--listen: \"" + text + "\" has no port between 0 and 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!host.empty()) listen.host = host;
  return listen;
}

std::expected<void, std::string> apply(const ServeOptions& options, config::Config& config) {
  if (!options.listen.empty()) config.listen.clear();
  for (const auto& text : options.listen) {
    auto listen = parse_listen(text);
    if (!listen) return std::unexpected(listen.error());
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
