// PostgreSQL messages as the simulated peers read and write them. Written apart from
// src/postgres on purpose: the two must agree because both follow the manual (chapter 55), not
// because one was made from the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace tidegate::sim {

struct Message {
  char type = 0;
  std::string body;
  bool operator==(const Message&) const = default;
};
using Messages = std::vector<Message>;
using Parameters = std::vector<std::pair<std::string, std::string>>;

// Builds a message's body.
class Body {
 public:
  Body& byte(char value) {
    text_ += value;
    return *this;
  }
  Body& int16(int value) {
    text_ += static_cast<char>(value >> 8);
    text_ += static_cast<char>(value);
    return *this;
  }
  Body& int32(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) text_ += static_cast<char>(value >> shift);
    return *this;
  }
  Body& string(std::string_view value) {
    text_ += value;
    text_ += '\0';
    return *this;
  }
  Body& raw(std::string_view value) {
    text_ += value;
    return *this;
  }
  operator std::string() const { return text_; }

 private:
  std::string text_;
};

void append(std::string& out, const Message& message);
// A message without a type byte: startup, SSLRequest, CancelRequest.
void append_untyped(std::string& out, std::string_view body);

inline constexpr std::uint32_t kProtocol = 0x00030000;
inline constexpr std::uint32_t kSslRequestCode = 80877103;
inline constexpr std::uint32_t kGssRequestCode = 80877104;
inline constexpr std::uint32_t kCancelRequestCode = 80877102;

// Cuts a byte stream into messages.
class MessageReader {
 public:
  void push(std::string_view bytes) { buffer_ += bytes; }
  std::optional<Message> next();
  std::optional<std::string> next_untyped();  // its body, without the length
  // For TLS: what is buffered, and taking from its front.
  std::string_view buffered() const { return std::string_view(buffer_).substr(offset_); }
  void drop(std::size_t count);
  bool malformed() const { return malformed_; }

 private:
  std::optional<std::string_view> framed(std::size_t header);
  std::string buffer_;
  std::size_t offset_ = 0;
  bool malformed_ = false;
};

// --- Messages of both directions that are made in more than one place ---
Message error_message(std::string_view severity, std::string_view sqlstate, std::string_view text);
std::string error_field(const Message& error, char field);
Message parameter_status(std::string_view name, std::string_view value);
Message query(std::string_view sql);
Message parse(std::string_view name, std::string_view sql);
Message bind(std::string_view portal, std::string_view statement,
             const std::vector<std::string>& values);
Message describe(char kind, std::string_view name);
Message execute(std::string_view portal, std::uint32_t rows_max);
Message close_message(char kind, std::string_view name);
// For traces and findings: "Q SELECT 1", "E 57P01 terminating ...".
std::string to_text(const Message& message);

}  // namespace tidegate::sim
