// The types that settings are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/time.h"
#include "config/config.h"
#include "config/setting.h"

namespace tidegate::config {

// The items between the commas, without spaces around them; empty ones do not count.
std::vector<std::string> split_list(std::string_view text);

// Words count in any case, as in PgBouncer and PostgreSQL.
bool same_word(std::string_view one, std::string_view other);
bool is_one_of(std::string_view word, std::span<const std::string_view> words);

Type<int> integer(int lowest, int highest);
// An integer, with a word for what is kept as 0: "auto".
Type<int> integer_or(std::string_view zero_word, int highest);
// The same with "unlimited", for which 0 may be written, as in PgBouncer.
Type<int> unlimited_or(int highest);
Type<int> octal_mode();
Type<Duration> duration(Duration lowest = Duration{0});
// The word stands for 0.
Type<Duration> duration_or(std::string_view zero_word);
// A duration that is kept as a number, because that is what setsockopt takes.
Type<int> whole_seconds();
Type<std::size_t> bytes(std::size_t lowest, std::size_t highest);
Type<bool> boolean();
Type<std::string> text();
Type<std::string> path();
Type<std::string> secret();
Type<std::vector<std::string>> names();
Type<std::vector<Listen>> listen_addresses();
Type<std::vector<net::Target>> hosts();
// name=value, separated by spaces; a value with spaces or quotes stands in 'single quotes'.
Type<std::vector<std::pair<std::string, std::string>>> parameters();

std::string one_of_text(const std::vector<std::string_view>& words);

// One word per value, in the order of the manual.
template <typename T>
Type<T> one_of(std::vector<std::pair<std::string_view, T>> choices) {
  std::vector<std::string_view> words;
  for (const auto& [word, value] : choices) words.push_back(word);
  const auto accepts = one_of_text(words);
  return {.kind = Kind::choice,
          .accepts = accepts,
          .parse = [choices, accepts](std::string_view given) -> std::expected<T, std::string> {
            for (const auto& [word, value] : choices) {
              if (same_word(word, given)) return value;
            }
            return std::unexpected(fmt::format("must be {}, not `{}`", accepts, given));
          },
          .print =
              [choices](const T& wanted) {
                for (const auto& [word, value] : choices) {
                  if (value == wanted) return std::string(word);
                }
                return std::string();
              }};
}

Type<net::SslMode> ssl_mode();
Type<HostOrder> host_order();
Type<PoolMode> pool_mode();
Type<LogLevel> log_level();

// "127.0.0.1:6432", "[::1]:6432", "*:6432" (every address), ":6432" (loopback), "/run/tidegate",
// "/run/tidegate:6433", "@abstract". The error completes "`listen` ...".
std::expected<Listen, std::string> parse_listen(std::string_view text);
std::string print_listen(const Listen& listen);
std::string print_target(const net::Target& target);

}  // namespace tidegate::config
