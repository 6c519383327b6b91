// A log event as a line of text: logfmt for people, JSON for machines. Whatever a value holds, a
// line stays one line, and JSON stays valid UTF-8. Pure.
#pragma once

#include <span>
#include <string>

#include "base/log.h"
#include "base/time.h"

namespace tidegate::net {

enum class LogFormat : std::uint8_t { logfmt, json };

// Ends with a newline.
std::string format_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view event,
                            std::span<const LogField> fields);

// "2026-11-21T01:00:18.042Z"
std::string iso_time(WallTime time);

}  // namespace tidegate::net
