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
// The statement and portal that Tidegate's own commands run as. It begins as the shared ones do,
// so that no client can mean it.
inline constexpr std::string_view kOwnStatement = "tidegate_own";

// The text of a statement that does nothing, and no types: a failed transaction takes it too.
inline constexpr std::uint8_t kNoText[] = {0, 0, 0};

inline void write_close_portal(ByteBuffer& out, std::string_view name) {
  Message(out, 'C').u8('P').cstring(name);
}
inline void write_bind(ByteBuffer& out, std::string_view portal, std::string_view statement) {
  Message(out, 'B').cstring(portal).cstring(statement).be16(0).be16(0).be16(0);
}
inline void write_execute(ByteBuffer& out, std::string_view portal) {
  Message(out, 'E').cstring(portal).be32(0);
}
inline void write_flush(ByteBuffer& out) {
  Message(out, 'H');
}

}  // namespace tidegate::postgres
