#include "postgres/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "postgres/digest.h"
#include "sql/postgres_keywords.h"

namespace tidegate::postgres {
namespace {

constexpr std::array<std::string_view, 8> kReplayable = {
    "application_name", "client_encoding", "DateStyle", "default_transaction_read_only",
    "IntervalStyle",    "search_path",     "TimeZone",  "standard_conforming_strings",
};

// Input functions of literals run at Parse, and operators and names are looked up then; a generic
// plan also keeps what output functions gave while constants were folded.
constexpr std::array<std::string_view, 20> kShaping = {
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "standard_conforming_strings",
    "search_path",
    "array_nulls",
    "backslash_quote",
    "bytea_output",
    "default_text_search_config",
    "extra_float_digits",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "role",  // "$user" in a search_path
    "session_authorization",
    "timezone_abbreviations",
    "transform_null_equals",
    "xmlbinary",
    "xmloption",
};

// Numbers, switches and words out of a fixed list, for anybody to set at any time; and lists of
// schemas, which need not exist.
constexpr std::array<std::string_view, 42> kCannotFail = {
    "array_nulls",
    "backslash_quote",
    "bytea_output",
    "check_function_bodies",
    "client_min_messages",
    "constraint_exclusion",
    "cursor_tuple_fraction",
    "default_statistics_target",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "effective_cache_size",
    "escape_string_warning",
    "extra_float_digits",
    "from_collapse_limit",
    "geqo",
    "geqo_threshold",
    "hash_mem_multiplier",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "jit",
    "join_collapse_limit",
    "lock_timeout",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "plan_cache_mode",
    "quote_all_identifiers",
    "random_page_cost",
    "row_security",
    "search_path",
    "seq_page_cost",
    "statement_timeout",
    "synchronous_commit",
    "transaction_timeout",
    "transform_null_equals",
    "vacuum_cost_delay",
    "vacuum_cost_limit",
    "work_mem",
    "xmlbinary",
    "xmloption",
};

// Lists of quoted names: SET would read a quoted list as one name.
constexpr std::array<std::string_view, 2> kQuotedLists = {"search_path", "temp_tablespaces"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_space(char c) {
  return std::string_view(" \t\n\r\f\v").contains(c);
}

bool name_less(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return lower(x) < lower(y); });
}

bool mentions(std::string_view text, std::string_view name) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return !std::ranges::search(text, name, same).empty();
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view each) { return same_setting(each, name); });
}

// The elements of a list as SplitIdentifierString finds them, each as a literal of its own. A list
// of none becomes one of an empty name, which names nothing either.
std::string literals_of_list(std::string_view list) {
  std::string literals;
  std::string element;
  bool quoted = false;
  const auto add = [&] {
    if (!literals.empty()) literals += ", ";
    literals += quote_literal(std::exchange(element, {}));
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (c == '"' && quoted && i + 1 < list.size() && list[i + 1] == '"') {
      element += list[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      add();
    } else if (quoted || !is_space(c)) {
      element += quoted ? c : lower(c);
    }
  }
  add();
  return literals;
}

SettingsRef reports_that(const std::vector<std::pair<std::string, std::string>>& reported,
                         bool are_settings) {
  std::vector<Settings::Entry> entries;
  for (const auto& [name, value] : reported) {
    if (is_replayable_report(name) == are_settings) entries.push_back({name, value});
  }
  return Settings::make(std::move(entries));
}

}  // namespace

bool same_setting(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_list_of_names(std::string_view name) {
  return contains(kQuotedLists, name);
}

bool is_replayable_report(std::string_view name) {
  return contains(kReplayable, name);
}

bool mentions_unreported_shaping(std::string_view text) {
  const auto mentioned = [text](std::string_view name) { return mentions(text, name); };
  // The path is, by newer versions only. PostgreSQL analyses a statement anew when it has changed,
  // but the types of its parameters stay as they were at its Parse.
  const auto unreported = [](std::string_view name) {
    return !is_replayable_report(name) || name == "search_path";
  };
  // SET XML OPTION has a name of two words.
  return mentioned("xml") || std::ranges::any_of(kShaping, [&](std::string_view name) {
           return unreported(name) && mentioned(name);
         });
}

// SET NAMES sets the encoding.
bool mentions_text_rules(std::string_view text) {
  return mentions(text, "standard_conforming_strings") || mentions(text, "client_encoding") ||
         mentions(text, "names");
}

std::optional<std::vector<std::string_view>> names_configured(std::string_view text) {
  constexpr std::string_view kCall = "set_config", kBlank = " \t\r\n\f\v";
  constexpr std::string_view kLettersOfNames =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
  const auto same = [](char a, char b) { return sql::ascii_lower(a) == b; };
  const auto skip = [&](std::string_view letters) {
    text.remove_prefix(std::min(text.find_first_not_of(letters), text.size()));
  };
  std::vector<std::string_view> names;
  while (true) {
    const auto call = std::ranges::search(text, kCall, same);
    if (call.empty()) return names;
    text = {call.end(), text.end()};
    skip("\"");
    skip(kBlank);
    if (!text.starts_with('(')) return std::nullopt;  // a comment, or no call at all
    text.remove_prefix(1);
    skip(kBlank);
    const auto end = text.starts_with('\'') ? text.find('\'', 1) : text.npos;
    if (end == text.npos) return std::nullopt;
    const auto name = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    skip(kBlank);
    const bool plain = name.find_first_not_of(kLettersOfNames) == name.npos;
    if (!plain || !text.starts_with(',')) return std::nullopt;
    names.push_back(name);
  }
}

bool cannot_fail(std::string_view name) {
  return name.starts_with("enable_") || contains(kCannotFail, name);
}

bool shapes_parsing(std::string_view name) {
  return contains(kShaping, name);
}

bool is_identity(std::string_view name) {
  return contains(kIdentity, name);
}

SettingsRef Settings::make(std::vector<Entry> entries, std::vector<Prepared> prepared) {
  const auto settings = std::make_shared<Settings>();
  settings->prepared_ = std::move(prepared);
  std::ranges::sort(settings->prepared_, {}, &Prepared::name);
  auto& sorted = settings->entries_;
  sorted.reserve(entries.size());
  for (auto& entry : entries) {
    const auto at =
        std::lower_bound(sorted.begin(), sorted.end(), entry,
                         [](const Entry& a, const Entry& b) { return name_less(a.name, b.name); });
    if (at != sorted.end() && same_setting(at->name, entry.name)) {
      at->value = std::move(entry.value);
    } else {
      sorted.insert(at, std::move(entry));
    }
  }
  ByteBuffer all;
  ByteBuffer shaping;
  for (const auto& entry : sorted) {
    ByteWriter(all).cstring(entry.name).cstring(entry.value);
    if (shapes_parsing(entry.name)) ByteWriter(shaping).cstring(entry.name).cstring(entry.value);
  }
  for (const auto& each : settings->prepared_) {
    ByteWriter(all).cstring(each.name).cstring(each.text).cstring(std::to_string(each.shape));
  }
  settings->tag_ = std::max<FitTag>(1, leading_u64(digest({Bytes(all)})));
  settings->shape_ = leading_u64(digest({Bytes(shaping)}));
  settings->prepared_apart_ = std::ranges::any_of(settings->prepared_, [&](const auto& each) {
    return each.shape != 0 && each.shape != settings->shape_;
  });
  const auto* strings = settings->find("standard_conforming_strings");
  settings->text_rules_.standard_strings = strings == nullptr || *strings != "off";
  if (const auto* encoding = settings->find("client_encoding")) {
    settings->text_rules_.letters = sql::letters_of(*encoding);
  }
  return settings;
}

const SettingsRef& Settings::empty() {
  static const SettingsRef kEmpty = make({});
  return kEmpty;
}

const Settings::Entry* Settings::entry(std::string_view name) const {
  const auto at = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const Entry& each, std::string_view wanted) { return name_less(each.name, wanted); });
  return at != entries_.end() && same_setting(at->name, name) ? &*at : nullptr;
}

const std::string* Settings::find(std::string_view name) const {
  const auto* found = entry(name);
  return found != nullptr ? &found->value : nullptr;
}

bool Settings::reports(std::string_view name) const {
  const auto* found = entry(name);
  return found != nullptr && !found->custom;
}

bool Settings::has_custom() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.custom; });
}

SettingsRef Settings::with(std::string_view name, std::string_view value, bool custom) const {
  auto entries = entries_;
  entries.push_back({std::string(name), std::string(value), custom});
  return make(std::move(entries), prepared_);
}

SettingsRef Settings::with_all(const Settings& other) const {
  auto entries = entries_;
  entries.insert(entries.end(), other.entries_.begin(), other.entries_.end());
  return make(std::move(entries), prepared_);
}

SettingsRef Settings::without(std::string_view name) const {
  auto entries = entries_;
  std::erase_if(entries, [name](const Entry& each) { return same_setting(each.name, name); });
  return make(std::move(entries), prepared_);
}

SettingsRef Settings::without_custom() const {
  auto entries = entries_;
  std::erase_if(entries, [](const Entry& each) { return each.custom; });
  return make(std::move(entries));
}

SettingsRef Settings::with_custom_unknown() const {
  constexpr std::string_view kNoValue{"\0", 1};  // no text of PostgreSQL's holds a zero byte
  auto entries = entries_;
  for (auto& each : entries) {
    if (each.custom) each.value = kNoValue;
  }
  return make(std::move(entries), prepared_);
}

SettingsRef Settings::with_prepared(std::vector<Prepared> prepared) const {
  return make(entries_, std::move(prepared));
}

SettingsRef Settings::without_prepared(std::string_view name) const {
  auto prepared = prepared_;
  std::erase_if(prepared, [name](const Prepared& each) { return each.name == name; });
  return make(entries_, std::move(prepared));
}

bool Settings::has_prepared(std::string_view name) const {
  return std::ranges::binary_search(prepared_, name, {}, &Prepared::name);
}

SettingsRef settings_in(const std::vector<std::pair<std::string, std::string>>& reported) {
  return reports_that(reported, true);
}

SettingsRef facts_in(const std::vector<std::pair<std::string, std::string>>& reported) {
  return reports_that(reported, false);
}

std::string reading_command(const Settings& have, const Settings& want) {
  std::string sql;
  for (const auto& entry : want.entries()) {
    if (entry.custom || !shapes_parsing(entry.name)) continue;
    const auto* value = have.find(entry.name);
    if (value == nullptr || *value == entry.value) continue;
    sql += (sql.empty() ? "SELECT pg_catalog.set_config(" : ", pg_catalog.set_config(") +
           quote_literal(entry.name) + ", " + quote_literal(entry.value) + ", true)";
  }
  return sql;
}

std::string set_config_call(std::string_view name, std::string_view value) {
  return "set_config(" + quote_literal(name) + ", " + quote_literal(value) + ", false)";
}

std::string set_command(std::string_view scope, std::string_view name, std::string_view value) {
  const auto values = is_list_of_names(name) ? literals_of_list(value) : quote_literal(value);
  return "SET " + std::string(scope) + quote_setting(name) + " TO " + values;
}

// A custom name may have a class: "app.tenant".
std::string quote_setting(std::string_view name) {
  std::string quoted;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto dot = std::min(name.find('.', begin), name.size());
    if (begin > 0) quoted += '.';
    quoted += quote_identifier(name.substr(begin, dot - begin));
    begin = dot + 1;
  }
  return quoted;
}

std::string quote_literal(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto is_letter_beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  const bool escaped = text.contains('\\') || std::ranges::any_of(text, is_letter_beyond_ascii);
  std::string quoted = escaped ? "E'" : "'";
  for (const char c : text) {
    if (is_letter_beyond_ascii(c)) {
      const auto byte = static_cast<unsigned char>(c);
      (quoted += "\\x") += {kDigits[byte >> 4], kDigits[byte & 15]};
      continue;
    }
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted += '\'';
}

std::string quote_identifier(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted += '"';
}

}  // namespace tidegate::postgres
