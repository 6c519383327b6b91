#include "config/expand.h"

#include <fmt/format.h>

#include "base/url.h"

namespace tidegate::config {
namespace {

bool is_name(std::string_view text) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return !text.empty() && text.find_first_not_of(kLetters) == std::string_view::npos;
}

}  // namespace

std::expected<std::string, std::string> expand(std::string_view text,
                                               const Environment& environment, Encoding encoding) {
  std::string out;
  const auto whole = text;
  for (auto dollar = text.find("${"); dollar != text.npos; dollar = text.find("${")) {
    if (dollar > 0 && text[dollar - 1] == '$') {
      out += text.substr(0, dollar - 1);
      out += "${";
      text.remove_prefix(dollar + 2);
      continue;
    }
    const auto close = text.find('}', dollar);
    const auto name = close == text.npos ? "" : text.substr(dollar + 2, close - dollar - 2);
    if (!is_name(name)) return std::unexpected("has a `${` that is not `${NAME}`");
    const auto value = environment(std::string(name));
    if (!value) {
      return std::unexpected(
          fmt::format("needs the environment variable `{}`, which is not set", name));
    }
    const bool is_whole = name.size() + 3 == whole.size();
    out += text.substr(0, dollar);
    out += encoding == Encoding::url && !is_whole ? percent_encoded(*value) : *value;
    text.remove_prefix(close + 1);
  }
  out += text;
  return out;
}

}  // namespace tidegate::config
