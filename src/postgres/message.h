// One message under construction: the type byte and a place for the length go in first, the body
// follows, and the length is filled in when the writer goes. So every writer of a message is one
// expression, and no length is ever counted by hand.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace tidegate::postgres {

class Message {
 public:
  Message(ByteBuffer& out, char type) : writer_(out) {
    writer_.u8(static_cast<std::uint8_t>(type));
    open_length();
  }
  // A packet of the first minute has no type (startup, SSLRequest, CancelRequest).
  explicit Message(ByteBuffer& out) : writer_(out) { open_length(); }
  ~Message() {
    writer_.patch_be32(length_at_, static_cast<std::uint32_t>(writer_.size() - length_at_));
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  Message& u8(std::uint8_t value) { return writer_.u8(value), *this; }
  Message& be16(std::uint16_t value) { return writer_.be16(value), *this; }
  Message& be32(std::uint32_t value) { return writer_.be32(value), *this; }
  Message& bytes(Bytes value) { return writer_.bytes(value), *this; }
  Message& text(std::string_view value) { return writer_.text(value), *this; }
  // A zero byte inside the text would be read as its end, and the rest as another field; so the
  // text ends there.
  Message& cstring(std::string_view value) {
    return writer_.cstring(value.substr(0, value.find('\0'))), *this;
  }

 private:
  void open_length() {
    length_at_ = writer_.size();
    writer_.be32(0);
  }

  ByteWriter writer_;
  std::size_t length_at_ = 0;
};

}  // namespace tidegate::postgres
