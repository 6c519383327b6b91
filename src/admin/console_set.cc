#include "admin/console_set.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "config/names.h"

namespace tidegate::admin {
namespace {

using session::ConsoleReply;

// What drivers, ORMs and monitoring set of any server they meet.
constexpr std::array<std::string_view, 31> kOfDrivers = {
    "application_name",
    "backslash_quote",
    "bytea_output",
    "characteristics",  // SET SESSION CHARACTERISTICS AS TRANSACTION ...
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "escape_string_warning",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "names",  // SET NAMES 'utf8'
    "search_path",
    "ssl_renegotiation_limit",
    "standard_conforming_strings",
    "statement_timeout",
    "synchronous_commit",
    "time",  // SET TIME ZONE ...
    "timezone",
    "transaction",
};
static_assert(std::ranges::is_sorted(kOfDrivers));

// Takes the first word, or what stands in double quotes; lower case.
std::string take_word(std::string_view& text) {
  constexpr std::string_view kBetween = " \t\r\n\f\v;";
  text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
  const bool quoted = text.starts_with('"');
  if (quoted) text.remove_prefix(1);
  const auto end = std::min(text.find_first_of(quoted ? "\"" : " \t\r\n\f\v;="), text.size());
  std::string word(text.substr(0, end));
  text.remove_prefix(std::min(end + (quoted ? 1 : 0), text.size()));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

// SET [SESSION | LOCAL] name { = | TO } value
std::string name_in(std::string_view command) {
  take_word(command);
  auto word = take_word(command);
  if (word == "session" || word == "local") word = take_word(command);
  return word;
}

}  // namespace

ConsoleReply failure(std::string message, std::string sqlstate) {
  ConsoleReply reply;
  reply.error = std::move(message);
  reply.sqlstate = std::move(sqlstate);
  return reply;
}

ConsoleReply answer_set(std::string_view command, std::string_view file) {
  const auto name = name_in(command);
  if (std::ranges::binary_search(kOfDrivers, name)) {
    ConsoleReply reply;
    reply.tag = "SET";
    reply.notices.push_back("SET has no meaning on the console and was ignored");
    return reply;
  }
  if (!config::is_name_of_setting(name)) {
    return failure(fmt::format("unrecognized configuration parameter \"{}\"", name), "42704");
  }
  const auto where = file.empty() ? std::string("on the command line") : fmt::format("in {}", file);
  return failure(fmt::format("\"{}\" cannot be set on the console: settings are read at the start "
                             "only; change it {} and restart Tidegate",
                             name, where),
                 "55P02");
}

}  // namespace tidegate::admin
