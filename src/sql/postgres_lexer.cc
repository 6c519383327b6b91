#include "sql/postgres_lexer.h"

#include <algorithm>
#include <cstring>

#include "sql/byte_search.h"

namespace tidegate::sql {
namespace {

enum class CharClass : std::uint8_t {
  other,
  blank,
  newline,
  letter,
  symbol,
  semicolon,
  quote,
  double_quote,
  dollar,
  dash,
  slash,
};

constexpr auto kClasses = [] {
  std::array<CharClass, 256> classes{};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (starts_word(static_cast<unsigned char>(c))) classes[c] = CharClass::letter;
  }
  for (const unsigned char c : {' ', '\t', '\f', '\v'}) classes[c] = CharClass::blank;
  for (const unsigned char c : {'\n', '\r'}) classes[c] = CharClass::newline;
  for (const unsigned char c : {'(', ')', '.', '='}) classes[c] = CharClass::symbol;
  classes[';'] = CharClass::semicolon;
  classes['\''] = CharClass::quote;
  classes['"'] = CharClass::double_quote;
  classes['$'] = CharClass::dollar;
  classes['-'] = CharClass::dash;
  classes['/'] = CharClass::slash;
  return classes;
}();

CharClass class_of(char c) {
  return kClasses[static_cast<std::uint8_t>(c)];
}
const char* find(const char* at, const char* end, char wanted) {
  const auto* found = std::memchr(at, wanted, static_cast<std::size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

void PostgresLexer::begin(bool standard_strings) {
  state_ = State::between;
  string_end_ = StringEnd::none;
  standard_strings_ = standard_strings;
}

void PostgresLexer::push(Bytes text, PostgresStatementReader& reader) {
  const auto* at = reinterpret_cast<const char*>(text.data());
  const auto* end = at + text.size();
  while (at != end) at = step(at, end, reader);
}

void PostgresLexer::finish(PostgresStatementReader& reader) {
  switch (state_) {
    case State::word:
      reader.word(kept());
      break;
    case State::unicode_prefix:
      reader.word("u");
      break;
    case State::quoted_end:
      reader.quoted(kept(), escaped_name_);
      break;
    case State::dollar:
    case State::dash:
    case State::slash:
      reader.other();
      break;
    default:
      break;  // complete, or so incomplete that PostgreSQL refuses the whole text
  }
  state_ = State::between;
}

// Takes at least one byte, unless it changes the state.
const char* PostgresLexer::step(const char* at, const char* end, PostgresStatementReader& reader) {
  switch (state_) {
    case State::between:
      return between(at, end, reader);
    case State::word:
      return resume_word(at, end, reader);
    case State::unicode_prefix:
      return unicode_prefix(at, reader);
    case State::quoted:
      return quoted(at, end);
    case State::quoted_end:
      return quoted_end(at, reader);
    case State::string:
      return string(at, end);
    case State::string_backslash:
      state_ = State::string;
      return at + 1;
    case State::dollar:
      return dollar(at, reader);
    case State::dollar_body:
      return dollar_body(at, end);
    case State::dollar_end:
      return dollar_end(at);
    case State::dash:
    case State::slash:
      return operator_or_comment(at, reader);
    case State::line_comment:
      return line_comment(at, end);
    case State::block_comment:
    case State::block_comment_star:
    case State::block_comment_slash:
      return block_comment(at, end);
    case State::lost:
      return end;
  }
  return end;
}

// The usual word lies wholly in the text at hand and is no prefix of anything.
inline const char* PostgresLexer::word(const char* begin, const char* end,
                                       PostgresStatementReader& reader) {
  const char* at = find_word_end(begin, end);
  const auto length = static_cast<std::size_t>(at - begin);
  if (at == end) {
    kept_length_ = 0;
    keep({begin, length});
    state_ = State::word;
  } else if (length == 1) {
    at = prefix_or_word(*begin, at, reader);
  } else {
    reader.word({begin, std::min(length, kIdentifierBytesMax)});
  }
  return at;
}

// Blanks tell the reader nothing. They decide only whether a quote continues the string before.
const char* PostgresLexer::between(const char* at, const char* end,
                                   PostgresStatementReader& reader) {
  while (at != end && state_ == State::between) {
    const auto char_class = class_of(*at);
    if (char_class == CharClass::blank) {
      if (string_end_ == StringEnd::touching) string_end_ = StringEnd::blanks;
      ++at;
    } else if (char_class == CharClass::newline) {
      if (string_end_ != StringEnd::none) string_end_ = StringEnd::newline;
      ++at;
    } else if (char_class == CharClass::letter) {
      string_end_ = StringEnd::none;
      at = word(at, end, reader);
    } else if (char_class == CharClass::other) {
      string_end_ = StringEnd::none;
      while (at != end && class_of(*at) == CharClass::other) ++at;
      reader.other(at[-1]);
    } else {
      punctuation(*at++, reader);
    }
  }
  return at;
}

void PostgresLexer::punctuation(char c, PostgresStatementReader& reader) {
  const auto string_end = string_end_;
  const auto char_class = class_of(c);
  if (char_class != CharClass::dash) string_end_ = StringEnd::none;  // "--" is a blank
  switch (char_class) {
    case CharClass::symbol:
      reader.symbol(c);
      break;
    case CharClass::semicolon:
      reader.semicolon();
      break;
    case CharClass::quote:
      if (string_end == StringEnd::touching || string_end == StringEnd::newline) {
        state_ = State::string;
      } else {
        open_string(reader, !standard_strings_);
      }
      break;
    case CharClass::double_quote:
      open_quoted(false);
      break;
    case CharClass::dollar:
      kept_length_ = 0;
      state_ = State::dollar;
      break;
    case CharClass::dash:
      state_ = State::dash;
      break;
    case CharClass::slash:
      state_ = State::slash;
      break;
    default:
      break;
  }
}

const char* PostgresLexer::resume_word(const char* begin, const char* end,
                                       PostgresStatementReader& reader) {
  const char* at = find_word_end(begin, end);
  keep({begin, static_cast<std::size_t>(at - begin)});
  if (at == end) return end;
  state_ = State::between;
  if (kept_length_ == 1) return prefix_or_word(kept_[0], at, reader);
  reader.word(kept());
  return at;
}

// A word of one letter; `at` is the byte behind it. Where that is a quote the letter tells how to
// read the string (N'' is read like a plain one).
const char* PostgresLexer::prefix_or_word(char word, const char* at,
                                          PostgresStatementReader& reader) {
  const char letter = ascii_lower(word);
  if (letter == 'u' && *at == '&') {
    state_ = State::unicode_prefix;
    return at + 1;
  }
  if (*at == '\'' && (letter == 'e' || letter == 'b' || letter == 'x')) {
    open_string(reader, letter == 'e');
    return at + 1;
  }
  reader.word({&word, 1});
  return at;
}

const char* PostgresLexer::unicode_prefix(const char* at, PostgresStatementReader& reader) {
  if (*at == '\'') {
    open_string(reader, false);
    return at + 1;
  }
  if (*at == '"') {
    open_quoted(true);
    return at + 1;
  }
  reader.word("u");
  reader.other();
  state_ = State::between;
  return at;
}

void PostgresLexer::open_quoted(bool escaped) {
  kept_length_ = 0;
  escaped_name_ = escaped;
  state_ = State::quoted;
}

const char* PostgresLexer::quoted(const char* at, const char* end) {
  const char* quote = find(at, end, '"');
  keep({at, static_cast<std::size_t>(quote - at)});
  if (quote == end) return end;
  state_ = State::quoted_end;
  return quote + 1;
}

const char* PostgresLexer::quoted_end(const char* at, PostgresStatementReader& reader) {
  if (*at == '"') {
    keep("\"");
    state_ = State::quoted;
    return at + 1;
  }
  state_ = State::between;
  reader.quoted(kept(), escaped_name_);
  return at;
}

void PostgresLexer::open_string(PostgresStatementReader& reader, bool backslash_escapes) {
  reader.other();
  backslash_escapes_ = backslash_escapes;
  state_ = State::string;
}

const char* PostgresLexer::string(const char* at, const char* end) {
  at = backslash_escapes_ ? find_either(at, end, '\'', '\\') : find(at, end, '\'');
  if (at == end) return end;
  if (*at == '\\') {
    state_ = State::string_backslash;
  } else {
    state_ = State::between;
    string_end_ = StringEnd::touching;
  }
  return at + 1;
}

// Behind a dollar sign: "$tag$" opens a string. Otherwise the sign stands for itself, as in $1, and
// what was taken for a tag is the beginning of a word.
const char* PostgresLexer::dollar(const char* at, PostgresStatementReader& reader) {
  const auto c = static_cast<std::uint8_t>(*at);
  const bool in_tag = starts_word(c) || (is_digit(c) && kept_length_ > 0);
  if (in_tag && kept_length_ == kept_.size()) {
    reader.lost();
    state_ = State::lost;
    return at;
  }
  if (in_tag) {
    keep({at, 1});
    return at + 1;
  }
  reader.other();
  if (c == '$') {
    state_ = State::dollar_body;
    return at + 1;
  }
  state_ = kept_length_ > 0 ? State::word : State::between;
  return at;
}

const char* PostgresLexer::dollar_body(const char* at, const char* end) {
  const char* found = find(at, end, '$');
  if (found == end) return end;
  tag_matched_ = 0;
  state_ = State::dollar_end;
  return found + 1;
}

const char* PostgresLexer::dollar_end(const char* at) {
  if (tag_matched_ < kept_length_ && *at == kept_[tag_matched_]) {
    ++tag_matched_;
  } else if (*at != '$') {
    state_ = State::dollar_body;
  } else if (tag_matched_ == kept_length_) {
    state_ = State::between;
  } else {
    tag_matched_ = 0;  // this dollar sign may begin the closing tag
  }
  return at + 1;
}

const char* PostgresLexer::operator_or_comment(const char* at, PostgresStatementReader& reader) {
  if (state_ == State::dash && *at == '-') {
    if (string_end_ == StringEnd::touching) string_end_ = StringEnd::blanks;
    state_ = State::line_comment;
    return at + 1;
  }
  if (state_ == State::slash && *at == '*') {
    comment_depth_ = 1;
    state_ = State::block_comment;
    return at + 1;
  }
  string_end_ = StringEnd::none;
  state_ = State::between;
  reader.other();
  return at;
}

const char* PostgresLexer::line_comment(const char* at, const char* end) {
  const char* found = find_either(at, end, '\n', '\r');
  if (found != end) state_ = State::between;  // the newline itself is a blank
  return found;
}

const char* PostgresLexer::block_comment(const char* at, const char* end) {
  const auto before = state_;
  if (before == State::block_comment) {
    at = find_either(at, end, '*', '/');
    if (at == end) return end;
  }
  const char c = *at;
  if (before == State::block_comment_star && c == '/') {
    state_ = --comment_depth_ == 0 ? State::between : State::block_comment;
  } else if (before == State::block_comment_slash && c == '*') {
    ++comment_depth_;
    state_ = State::block_comment;
  } else {
    state_ = c == '*'   ? State::block_comment_star
             : c == '/' ? State::block_comment_slash
                        : State::block_comment;
  }
  return at + 1;
}

void PostgresLexer::keep(std::string_view part) {
  const auto room = kept_.size() - kept_length_;
  part = part.substr(0, room);
  std::copy(part.begin(), part.end(), kept_.begin() + kept_length_);
  kept_length_ = static_cast<std::uint8_t>(kept_length_ + part.size());
}

}  // namespace tidegate::sql
