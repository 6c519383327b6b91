#include "sim/sim_sql.h"

#include <strings.h>

#include <cstdlib>

namespace tidegate::sim {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != text.npos) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != text.npos) {
    text.remove_suffix(1);
  }
  return text;
}

// Takes `word` from the front, whatever its case; it must end there.
bool take(std::string_view& text, std::string_view word) {
  if (text.size() < word.size() || strncasecmp(text.data(), word.data(), word.size()) != 0) {
    return false;
  }
  const bool ends = text.size() == word.size() ||
                    std::string_view(" \t\r\n('=,;").find(text[word.size()]) != text.npos;
  if (!ends) return false;
  text = trimmed(text.substr(word.size()));
  return true;
}

std::string take_word(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t\r\n=,("), text.size());
  auto word = text.substr(0, end);
  text = trimmed(text.substr(end));
  if (word.size() >= 2 && word.front() == '"') word = word.substr(1, word.size() - 2);
  return std::string(word);
}

// 'it''s', E'..' or a bare word.
std::string unquoted(std::string_view text) {
  if (!text.empty() && (text.front() == 'E' || text.front() == 'e') && text.size() > 1 &&
      text[1] == '\'') {
    text.remove_prefix(1);
  }
  if (text.size() < 2 || text.front() != '\'') return std::string(text);
  std::string value;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\'' && text[i + 1] == '\'') ++i;
    value += text[i];
  }
  return value;
}

std::string tag_in(std::string_view text) {
  const auto start = text.find("'tag:");
  if (start == text.npos) return {};
  const auto end = text.find('\'', start + 1);
  return end == text.npos ? std::string() : std::string(text.substr(start + 1, end - start - 1));
}

double number_after(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  return at == text.npos
             ? 0
             : std::strtod(std::string(text.substr(at + mark.size(), 16)).c_str(), nullptr);
}

// Takes a literal from the front.
std::string take_literal(std::string_view& text) {
  if (text.starts_with('E')) text.remove_prefix(1);
  std::size_t end = 1;
  while (end < text.size() && (text[end] != '\'' || text.substr(end, 2) == "''")) {
    end += text[end] == '\'' ? 2 : 1;
  }
  const auto literal = unquoted(text.substr(0, end + 1));
  text = text.substr(std::min(text.size(), end + 1));
  return literal;
}

Statement parse_set_config(std::string_view text) {
  static constexpr std::string_view kCall = "set_config(";
  Statement statement{.verb = Verb::set_config};
  for (auto at = text.find(kCall); at != text.npos; at = text.find(kCall)) {
    text = text.substr(at + kCall.size());
    auto name = take_literal(text);
    text = trimmed(text.substr(std::min(text.size(), text.find(',') + 1)));
    statement.calls.emplace_back(std::move(name), take_literal(text));
    statement.local = text.starts_with(", true");
  }
  return statement;
}

Statement parse_inquiry(std::string_view text) {
  constexpr std::string_view kNames = "(VALUES (";
  Statement statement{.verb = Verb::inquire};
  if (text.find("pg_catalog.pg_prepared_statements") != text.npos) statement.name = "prepared";
  const auto names = text.find(kNames);
  if (names == text.npos) return statement;
  text = text.substr(names + kNames.size());
  while (text.starts_with('\'')) {
    statement.calls.emplace_back(take_literal(text), "");
    text.remove_prefix(std::min(text.size(), std::string_view("), (").size()));
  }
  return statement;
}

Statement parse_select(std::string_view text) {
  if (text.starts_with("'setting', ") || text.starts_with("'prepared', ") ||
      text.starts_with("'held', ")) {
    return parse_inquiry(text);
  }
  if (text.find("set_config(") != text.npos) return parse_set_config(text);
  Statement statement{.verb = Verb::select, .tag = tag_in(text)};
  if (text.starts_with("1/0")) statement.verb = Verb::fail;
  if (text.find("$1") != text.npos) statement.parameters = 1;
  if (text.find("generate_series(1, ") != text.npos) {
    statement.rows = static_cast<int>(number_after(text, "generate_series(1, "));
  }
  const double seconds = number_after(text, "pg_sleep(");
  statement.sleep = Duration{static_cast<std::int64_t>(seconds * 1e9)};
  return statement;
}

Statement parse_copy(std::string_view text) {
  Statement statement{.verb = Verb::copy_in, .tag = tag_in(text)};
  if (text.find("TO STDOUT") == text.npos) return statement;
  statement.verb = Verb::copy_out;
  statement.rows = static_cast<int>(number_after(text, "generate_series(1, "));
  return statement;
}

Statement parse_set(std::string_view text) {
  Statement statement{.verb = Verb::set};
  statement.local = take(text, "LOCAL");
  take(text, "SESSION");
  statement.name = take_word(text);
  if (!take(text, "TO") && !(text.starts_with('=') && (text = trimmed(text.substr(1)), true))) {
    return {};
  }
  if (take(text, "DEFAULT")) {
    statement.verb = Verb::reset;
    return statement;
  }
  statement.value = unquoted(text);
  return statement;
}

Statement parse_prepare(std::string_view text) {
  Statement statement{.verb = Verb::prepare, .name = take_word(text)};
  if (!take(text, "AS")) return {};
  statement.value = text;
  statement.tag = tag_in(text);
  return statement;
}

Statement parse_deallocate(std::string_view text) {
  take(text, "PREPARE");
  if (take(text, "ALL")) return {.verb = Verb::deallocate_all};
  return {.verb = Verb::deallocate, .name = take_word(text)};
}

}  // namespace

Statement parse_statement(std::string_view sql) {
  auto text = trimmed(sql);
  if (text.empty()) return {.verb = Verb::nothing};
  if (take(text, "SELECT")) return parse_select(text);
  if (take(text, "INSERT")) {
    return {.verb = Verb::insert, .tag = tag_in(text), .parameters = text.find("$1") != text.npos};
  }
  if (take(text, "COPY")) return parse_copy(text);
  if (take(text, "BEGIN") || take(text, "START")) return {.verb = Verb::begin};
  if (take(text, "COMMIT") || take(text, "END")) return {.verb = Verb::commit};
  if (take(text, "ROLLBACK") || take(text, "ABORT")) return {.verb = Verb::rollback};
  if (take(text, "SET")) return parse_set(text);
  if (take(text, "RESET")) {
    if (take(text, "ALL")) return {.verb = Verb::reset_all};
    return {.verb = Verb::reset, .name = take_word(text)};
  }
  if (take(text, "SHOW")) return {.verb = Verb::show, .name = take_word(text)};
  if (take(text, "DISCARD") && take(text, "ALL")) return {.verb = Verb::discard_all};
  if (take(text, "PREPARE")) return parse_prepare(text);
  if (take(text, "EXECUTE")) return {.verb = Verb::run_prepared, .name = take_word(text)};
  if (take(text, "DEALLOCATE")) return parse_deallocate(text);
  return {.tag = tag_in(text)};
}

std::vector<Statement> parse_statements(std::string_view text) {
  std::vector<Statement> statements;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\'') quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != ';')) continue;
    auto statement = parse_statement(text.substr(start, i - start));
    if (statement.verb != Verb::nothing) statements.push_back(std::move(statement));
    start = i + 1;
  }
  return statements;
}

}  // namespace tidegate::sim
