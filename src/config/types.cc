#include "config/types.h"

#include <algorithm>
#include <limits>

#include "config/keywords.h"
#include "config/units.h"

namespace tidegate::config {
namespace {

using Error = std::unexpected<std::string>;

constexpr std::string_view kTrueWords[] = {"true", "1", "on", "yes"};
constexpr std::string_view kFalseWords[] = {"false", "0", "off", "no"};

Error wrong(std::string_view accepts, std::string_view given) {
  return Error(fmt::format("must be {}, not `{}`", accepts, given));
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// A type that reads every item of a list by itself, and names every one that is wrong.
template <typename T, typename Parse, typename Print>
Type<std::vector<T>> list_of(std::string accepts, Parse parse_item, Print print_item) {
  return {
      .kind = Kind::list,
      .accepts = std::move(accepts),
      .parse = [parse_item](std::string_view given) -> std::expected<std::vector<T>, std::string> {
        std::vector<T> values;
        std::string wrong_items;
        const auto items = split_list(given);
        for (const auto& item : items) {
          auto value = parse_item(item);
          if (value) {
            values.push_back(std::move(*value));
          } else if (items.size() == 1) {
            return Error(value.error());
          } else {
            wrong_items += fmt::format("{} `{}`, which {}", wrong_items.empty() ? "holds" : "; and",
                                       item, value.error());
          }
        }
        if (!wrong_items.empty()) return Error(wrong_items);
        return values;
      },
      .print =
          [print_item](const std::vector<T>& values) {
            std::string out;
            for (const auto& value : values) {
              out += fmt::format("{}{}", out.empty() ? "" : ", ", print_item(value));
            }
            return out;
          }};
}

Type<std::string> verbatim(Kind kind, std::string accepts) {
  return {.kind = kind,
          .accepts = std::move(accepts),
          .parse = [](std::string_view given) { return std::string(given); },
          .print = [](const std::string& value) { return value; }};
}

struct HostPort {
  std::string host;
  std::string_view port;  // empty: none was written
};

// The last colon separates the port, unless it belongs to an IPv6 address in brackets.
std::expected<HostPort, std::string> split_host_port(std::string_view text) {
  HostPort out;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos) return Error(fmt::format("lacks a `]` in `{}`", text));
    out.host = text.substr(1, bracket - 1);
    text.remove_prefix(bracket + 1);
    if (!text.empty() && !text.starts_with(':')) {
      return Error("may have only a port after the `]`");
    }
  } else {
    const auto colon = text.rfind(':');
    out.host = text.substr(0, colon);
    if (out.host.find(':') != std::string::npos) {
      return Error(fmt::format("needs brackets around an IPv6 address: `[{}]`", text));
    }
    text.remove_prefix(out.host.size());
  }
  if (text.empty()) return out;
  out.port = text.substr(1);
  if (out.port.empty()) return Error("lacks a port after the colon");
  return out;
}

std::expected<int, std::string> port_or(std::string_view text, int fallback, int lowest) {
  if (text.empty()) return fallback;
  const auto port = parse_integer(text);
  if (!port || *port < lowest || *port > 65535) {
    return Error(fmt::format("has a port that is no number from {} to 65535: `{}`", lowest, text));
  }
  return static_cast<int>(*port);
}

std::string print_host_port(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::expected<net::Target, std::string> parse_target(std::string_view text) {
  const auto parts = split_host_port(text);
  if (!parts) return Error(parts.error());
  const auto port = port_or(parts->port, net::Target{}.port, 1);
  if (!port) return Error(port.error());
  return net::Target{parts->host, *port};
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto item = trimmed(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return items;
}

bool same_word(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](auto one) { return same_word(one, word); });
}

Type<int> integer(int lowest, int highest) {
  const auto accepts = fmt::format("an integer from {} to {}", lowest, highest);
  return {.kind = Kind::integer,
          .accepts = accepts,
          .parse = [=](std::string_view given) -> std::expected<int, std::string> {
            const auto value = parse_integer(given);
            if (!value || *value < lowest || *value > highest) return wrong(accepts, given);
            return static_cast<int>(*value);
          },
          .print = [](const int& value) { return fmt::to_string(value); }};
}

Type<int> integer_or(std::string_view zero_word, int highest) {
  const auto number = integer(1, highest);
  const auto accepts = fmt::format("`{}` or {}", zero_word, number.accepts);
  return {.kind = Kind::integer,
          .accepts = accepts,
          .parse = [=](std::string_view given) -> std::expected<int, std::string> {
            if (given == zero_word) return 0;
            const auto value = number.parse(given);
            return value ? value : wrong(accepts, given);
          },
          .print =
              [zero_word](const int& value) {
                return value == 0 ? std::string(zero_word) : fmt::to_string(value);
              }};
}

Type<int> unlimited_or(int highest) {
  auto type = integer_or("unlimited", highest);
  type.parse = [parse = type.parse](std::string_view given) {
    return parse(given == "0" ? "unlimited" : given);
  };
  return type;
}

Type<int> octal_mode() {
  const std::string accepts = "an octal file mode such as \"0770\"";
  return {.kind = Kind::text,
          .accepts = accepts,
          .parse = [accepts](std::string_view given) -> std::expected<int, std::string> {
            if (given.empty() || given.find_first_not_of("01234567") != given.npos ||
                given.size() > 4) {
              return wrong(accepts, given);
            }
            int mode = 0;
            for (const char digit : given) mode = mode * 8 + (digit - '0');
            return mode & 0777;
          },
          .print = [](const int& mode) { return fmt::format("{:04o}", mode); }};
}

Type<Duration> duration(Duration lowest) {
  std::string accepts = "a duration such as \"500ms\", \"30s\" or \"1h\"";
  if (lowest > Duration{0}) accepts += fmt::format(", at least {}", print_duration(lowest));
  return {.kind = Kind::duration,
          .accepts = accepts,
          .parse = [=](std::string_view given) -> std::expected<Duration, std::string> {
            const auto value = parse_duration(given);
            if (!value || *value < lowest) return wrong(accepts, given);
            return *value;
          },
          .print = [](const Duration& value) { return print_duration(value); }};
}

Type<Duration> duration_or(std::string_view zero_word) {
  const auto given_one = duration(1ms);
  const auto accepts = fmt::format("`{}` or {}", zero_word, given_one.accepts);
  return {.kind = Kind::duration,
          .accepts = accepts,
          .parse = [=](std::string_view given) -> std::expected<Duration, std::string> {
            if (given == zero_word) return Duration{0};
            const auto value = given_one.parse(given);
            return value ? value : wrong(accepts, given);
          },
          .print =
              [zero_word](const Duration& value) {
                return value == Duration{0} ? std::string(zero_word) : print_duration(value);
              }};
}

Type<int> whole_seconds() {
  const auto range = duration();
  return {.kind = Kind::duration,
          .accepts = range.accepts,
          .parse = [range](std::string_view given) -> std::expected<int, std::string> {
            const auto value = range.parse(given);
            if (!value) return Error(value.error());
            if (*value % 1s != Duration{0}) {
              return Error(fmt::format("must be a whole number of seconds, not `{}`", given));
            }
            if (*value / 1s > std::numeric_limits<int>::max()) return Error("is too long");
            return static_cast<int>(*value / 1s);
          },
          .print = [](const int& count) { return print_duration(1s * count); }};
}

Type<std::size_t> bytes(std::size_t lowest, std::size_t highest) {
  const auto accepts = fmt::format("a size such as \"64kB\", from {} to {}", print_bytes(lowest),
                                   print_bytes(highest));
  return {.kind = Kind::bytes,
          .accepts = accepts,
          .parse = [=](std::string_view given) -> std::expected<std::size_t, std::string> {
            const auto value = parse_bytes(given);
            if (!value || *value < lowest || *value > highest) return wrong(accepts, given);
            return *value;
          },
          .print = [](const std::size_t& value) { return print_bytes(value); }};
}

Type<bool> boolean() {
  const std::string accepts = "true or false";
  return {.kind = Kind::boolean,
          .accepts = accepts,
          .parse = [accepts](std::string_view given) -> std::expected<bool, std::string> {
            if (is_one_of(given, kTrueWords)) return true;
            if (is_one_of(given, kFalseWords)) return false;
            return wrong(accepts, given);
          },
          .print = [](const bool& value) { return std::string(value ? "true" : "false"); }};
}

Type<std::string> text() {
  return verbatim(Kind::text, "text");
}
Type<std::string> path() {
  return verbatim(Kind::path, "a path");
}
Type<std::string> secret() {
  return verbatim(Kind::secret, "text, or { file = \"...\" }");
}

Type<std::vector<std::string>> names() {
  return list_of<std::string>(
      "a list of names",
      [](const std::string& item) { return std::expected<std::string, std::string>(item); },
      [](const std::string& item) { return item; });
}

Type<std::vector<Listen>> listen_addresses() {
  return list_of<Listen>("a list of \"HOST:PORT\" and unix socket folders", parse_listen,
                         print_listen);
}

Type<std::vector<net::Target>> hosts() {
  return list_of<net::Target>("\"HOST\", \"HOST:PORT\", a unix socket folder, or a list of them",
                              parse_target, print_target);
}

Type<std::vector<std::pair<std::string, std::string>>> parameters() {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  return {.kind = Kind::parameters,
          .accepts = "a table of names and values",
          .parse = [](std::string_view given) -> std::expected<Pairs, std::string> {
            Pairs pairs;
            auto keywords = parse_keywords(given);
            if (!keywords) return Error(keywords.error().text);
            for (auto& keyword : *keywords) {
              pairs.emplace_back(std::move(keyword.name), std::move(keyword.value));
            }
            return pairs;
          },
          .print =
              [](const Pairs& pairs) {
                std::string out;
                for (const auto& [name, value] : pairs) {
                  out += fmt::format("{}{}", out.empty() ? "" : " ", print_keyword(name, value));
                }
                return out;
              }};
}

std::string one_of_text(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto* separator = i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("{}`{}`", separator, words[i]);
  }
  return out;
}

Type<net::SslMode> ssl_mode() {
  return one_of<net::SslMode>({{"disable", net::SslMode::disable},
                               {"allow", net::SslMode::allow},
                               {"prefer", net::SslMode::prefer},
                               {"require", net::SslMode::require},
                               {"verify-ca", net::SslMode::verify_ca},
                               {"verify-full", net::SslMode::verify_full}});
}

Type<HostOrder> host_order() {
  return one_of<HostOrder>(
      {{"disable", HostOrder::as_written}, {"round-robin", HostOrder::in_turn}});
}

Type<PoolMode> pool_mode() {
  return one_of<PoolMode>({{"transaction", PoolMode::transaction},
                           {"session", PoolMode::session},
                           {"statement", PoolMode::statement}});
}

Type<LogLevel> log_level() {
  return one_of<LogLevel>({{"debug", LogLevel::debug},
                           {"info", LogLevel::info},
                           {"warning", LogLevel::warning},
                           {"error", LogLevel::error}});
}

std::expected<Listen, std::string> parse_listen(std::string_view text) {
  if (parse_integer(text)) return Error(fmt::format("has a port without an address: `:{}`?", text));
  const auto parts = split_host_port(text);
  if (!parts) return Error(parts.error());
  // Port 0 lets the kernel choose a free one.
  const auto port = port_or(parts->port, Listen{}.port, 0);
  if (!port) return Error(port.error());
  return Listen{.host = parts->host.empty() ? Listen{}.host : parts->host, .port = *port};
}

std::string print_listen(const Listen& listen) {
  return print_host_port(listen.host, listen.port);
}

std::string print_target(const net::Target& target) {
  return print_host_port(target.host, target.port);
}

}  // namespace tidegate::config
