// The `options` of a startup packet are a command line for the server process. Of its switches we
// know the two that set a parameter, -c name=value and --name=value; the others are old short
// names for some of the same.
#include <algorithm>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Blanks separate, a backslash takes the next character as it is.
std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_blank(text[i])) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const bool escapes = text[i] == '\\';
    if (escapes && ++i == text.size()) break;
    words.back().push_back(text[i]);
  }
  return words;
}

// "statement-timeout=5s" and "Statement_Timeout=5s" name the same setting.
char name_character(char c) {
  if (c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool add_assignment(std::string_view text, Parameters& out) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  std::string name(text.substr(0, equals));
  std::ranges::transform(name, name.begin(), name_character);
  out.emplace_back(std::move(name), text.substr(equals + 1));
  return true;
}

}  // namespace

std::expected<Parameters, std::string> read_startup_options(std::string_view options) {
  const auto words = split_words(options);
  Parameters result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const bool takes_next = word == "-c" && i + 1 < words.size();
    const bool is_switch = word.starts_with("-c") || word.starts_with("--");
    const auto assignment =
        takes_next ? std::string_view(words[++i]) : word.substr(is_switch ? 2 : 0);
    if (!is_switch || !add_assignment(assignment, result))
      return std::unexpected(std::string(word));
  }
  return result;
}

}  // namespace tidegate::postgres
