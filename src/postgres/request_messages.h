// Requests that only the relay writes, beside those in messages.h.
#pragma once

#include <string_view>

#include "postgres/message.h"

namespace tidegate::postgres {

// No server ever holds a statement of this name: asking for it is a way to make a server fail at
// this place in a pipeline, with everything that a failure does to its transaction.
inline constexpr std::string_view kNoSuchStatement = "tidegate_none";

inline void write_describe_statement(ByteBuffer& out, std::string_view name) {
  Message(out, 'D').u8('S').cstring(name);
}
inline void write_flush(ByteBuffer& out) {
  Message(out, 'H');
}

}  // namespace tidegate::postgres
