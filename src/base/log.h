// The log as the rest of the house sees it: one event, one line, with named fields. Writers of
// lines live above (net/ owns the file, config/ chooses the format); a pure step that has
// something to say gets a Log& like any other argument.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace tidegate {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogField {
  std::string_view key;
  std::string value;

  template <typename T>
  LogField(std::string_view k, const T& v) : key(k), value(fmt::to_string(v)) {}
};

class Log {
 public:
  virtual ~Log() = default;
  // `event` is a fixed phrase ("client logged in"): lines are rate-limited by it.
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
  virtual bool enabled(LogLevel level) const = 0;
};

}  // namespace tidegate
