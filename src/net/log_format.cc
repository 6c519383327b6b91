#include "net/log_format.h"

#include <algorithm>
#include <chrono>

namespace tidegate::net {
namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// How many bytes of a UTF-8 character begin `text`; 0 when they are not one. (RFC 3629, without
// its finer print on overlong forms: those are shown as they are by what reads logs.)
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  return std::all_of(text.begin() + 1, text.begin() + length, continues) ? length : 0;
}

// What JSON strings allow; logfmt is quoted the same way.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const auto length = character_length(text);
    if (c == '"' || c == '\\') {
      out += {'\\', text[0]};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", c);
    } else if (length == 0) {
      out += "\\ufffd";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
}

class LineBuilder {
 public:
  explicit LineBuilder(LogFormat format) : json_(format == LogFormat::json) {
    if (json_) line_ += '{';
  }

  void add(std::string_view key, std::string_view value) {
    if (json_) {
      line_ += line_.size() > 1 ? "," : "";
      append_quoted(line_, key);
      line_ += ':';
      append_quoted(line_, value);
      return;
    }
    if (!line_.empty()) line_ += ' ';
    line_ += key;
    line_ += '=';
    if (is_plain(value)) {
      line_ += value;
    } else {
      append_quoted(line_, value);
    }
  }

  std::string finish() {
    line_ += json_ ? "}\n" : "\n";
    return std::move(line_);
  }

 private:
  const bool json_;
  std::string line_;
};

}  // namespace

std::string iso_time(WallTime time) {
  using namespace std::chrono;
  const sys_time<microseconds> moment{microseconds(time.us)};
  const auto day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<milliseconds>(moment - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string format_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view event,
                            std::span<const LogField> fields) {
  LineBuilder line(format);
  line.add("time", iso_time(time));
  line.add("level", level_name(level));
  line.add("event", event);
  for (const auto& field : fields) line.add(field.key, field.value);
  return line.finish();
}

}  // namespace tidegate::net
