// Reads a startup packet: pairs of texts and a zero byte, nothing after it (PostgreSQL manual,
// 55.2.1 and 55.7, StartupMessage). Four names mean something of their own, those that begin with
// _pq_. ask for protocol extensions, all others are settings.
#include <algorithm>
#include <array>
#include <set>

#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

// PostgreSQL takes booleans in any case and cut short to what is still unambiguous.
bool means_false(std::string_view text) {
  constexpr std::array<std::string_view, 3> kWords = {"false", "no", "off"};
  const auto value = lower_case(text);
  if (value == "0") return true;
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    const std::size_t letters_min = word == "off" ? 2 : 1;  // "o" could be "on"
    return value.size() >= letters_min && word.starts_with(value);
  });
}

// Each name once, with its last value, in the order of those last values.
Parameters last_values(Parameters all) {
  std::set<std::string_view> seen;
  Parameters result;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (seen.insert(it->first).second) result.push_back(*it);
  }
  std::ranges::reverse(result);
  return result;
}

// Sorts the pairs into `out`; the text of `options` and the settings come back apart.
struct Pairs {
  std::string options;
  Parameters settings;
};

bool read_pairs(Bytes body, Startup& out, Pairs& pairs) {
  ByteReader reader(body);
  for (;;) {
    const auto name = reader.cstring();
    if (name.empty()) return reader.finished();
    const auto value = reader.cstring();
    if (name == "user") {
      out.user = value;
    } else if (name == "database") {
      out.database = value;
    } else if (name == "replication") {
      out.replication = means_false(value) ? std::string_view{} : value;
    } else if (name == "options") {
      pairs.options = value;
    } else if (name.starts_with("_pq_.")) {
      out.protocol_options.emplace_back(name);
    } else {
      pairs.settings.emplace_back(lower_case(name), value);
    }
  }
}

}  // namespace

StartupRead read_startup(Bytes body, Startup& out) {
  out = Startup{.protocol = out.protocol};
  Pairs pairs;
  if (!read_pairs(body, out, pairs)) return StartupRead::malformed;
  if (out.user.empty()) return StartupRead::no_user;
  if (out.database.empty()) out.database = out.user;

  auto options = read_startup_options(pairs.options);
  if (!options) {
    out.bad_option = std::move(options.error());
    return StartupRead::bad_option;
  }
  // PostgreSQL applies `options` first, wherever it stands in the packet: a setting that is also
  // given by its own name has that value.
  Parameters all = std::move(*options);
  all.insert(all.end(), pairs.settings.begin(), pairs.settings.end());
  out.parameters = last_values(std::move(all));
  return StartupRead::ok;
}

}  // namespace tidegate::postgres
