#include "config/keywords.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidegate::config {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

class KeywordReader {
 public:
  explicit KeywordReader(std::string_view text) : text_(text) {}

  std::expected<std::vector<Keyword>, KeywordError> read() {
    std::vector<Keyword> keywords;
    for (skip_space(); at_ < text_.size(); skip_space()) {
      Keyword keyword{.offset = at_};
      keyword.name = take_until("= \t\r\n");
      if (keyword.name.empty()) return fail("a name is missing before `=`", keyword.offset);
      skip_space();
      if (!take('=')) return fail(fmt::format("`{}` lacks its `=`", keyword.name), keyword.offset);
      skip_space();
      if (!take('\'')) {
        keyword.value = take_until(kSpace);
      } else if (!take_quoted(keyword.value)) {
        return fail(fmt::format("the quote of `{}` is not closed", keyword.name), keyword.offset);
      }
      keywords.push_back(std::move(keyword));
    }
    return keywords;
  }

 private:
  static std::unexpected<KeywordError> fail(std::string text, std::size_t offset) {
    return std::unexpected(KeywordError{std::move(text), offset});
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }

  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  std::string take_until(std::string_view stops) {
    const auto end = std::min(text_.find_first_of(stops, at_), text_.size());
    std::string taken(text_.substr(at_, end - at_));
    at_ = end;
    return taken;
  }

  // After the opening quote.
  bool take_quoted(std::string& out) {
    for (;;) {
      out += take_until("'");
      if (!take('\'')) return false;
      if (!take('\'')) return true;
      out += '\'';
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::expected<std::vector<Keyword>, KeywordError> parse_keywords(std::string_view text) {
  return KeywordReader(text).read();
}

std::string print_keyword(std::string_view name, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \t\r\n'") == std::string_view::npos;
  if (plain) return fmt::format("{}={}", name, value);
  std::string quoted;
  for (const char c : value) quoted += c == '\'' ? "''" : std::string(1, c);
  return fmt::format("{}='{}'", name, quoted);
}

}  // namespace tidegate::config
