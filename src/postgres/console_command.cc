#include "postgres/console_command.h"

#include <algorithm>

namespace tidegate::postgres {
namespace {

// How long the comment is that the text begins with; one that is not closed takes the rest.
std::size_t comment_bytes(std::string_view text) {
  if (text.starts_with("--")) return std::min(text.find_first_of("\r\n"), text.size());
  if (!text.starts_with("/*")) return 0;
  std::size_t at = 2;
  for (int depth = 1; depth > 0 && at < text.size();) {
    const auto pair = text.substr(at, 2);
    depth += pair == "/*" ? 1 : pair == "*/" ? -1 : 0;
    at += pair == "/*" || pair == "*/" ? 2 : 1;
  }
  return at;
}

std::size_t quoted_bytes(std::string_view text) {
  if (text[0] != '\'' && text[0] != '"') return 0;
  const auto end = text.find(text[0], 1);
  return end == std::string_view::npos ? text.size() : end + 1;
}

}  // namespace

std::string console_command(std::string_view text) {
  std::string command;
  while (!text.empty()) {
    if (const auto comment = comment_bytes(text); comment > 0) {
      command += ' ';
      text.remove_prefix(comment);
    } else {
      const auto kept = std::max<std::size_t>(quoted_bytes(text), 1);
      command += text.substr(0, kept);
      text.remove_prefix(kept);
    }
  }
  constexpr std::string_view kBlank = " \t\r\n\f\v;";
  command.erase(command.find_last_not_of(kBlank) + 1);
  command.erase(0, command.find_first_not_of(kBlank));
  return command;
}

}  // namespace tidegate::postgres
