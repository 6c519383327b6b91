#include "sim/wire.h"

namespace tidegate::sim {

namespace {
constexpr std::size_t kMessageBytesMax = 64u << 20;
constexpr std::size_t kShownBytes = 100;
}  // namespace

void append(std::string& out, const Message& message) {
  out += message.type;
  append_untyped(out, message.body);
}

void append_untyped(std::string& out, std::string_view body) {
  out += std::string(Body().int32(static_cast<std::uint32_t>(body.size() + 4)));
  out += body;
}

std::optional<std::string_view> MessageReader::framed(std::size_t header) {
  const auto rest = buffered();
  if (malformed_ || rest.size() < header + 4) return std::nullopt;
  const auto length = load_be32(as_bytes(rest).data() + header);
  if (length < 4 || length > kMessageBytesMax) {
    malformed_ = true;
    return std::nullopt;
  }
  if (rest.size() < header + length) return std::nullopt;
  return rest.substr(header + 4, length - 4);
}

std::optional<Message> MessageReader::next() {
  const auto body = framed(1);
  if (!body) return std::nullopt;
  Message message{buffered().front(), std::string(*body)};
  drop(message.body.size() + 5);
  return message;
}

std::optional<std::string> MessageReader::next_untyped() {
  const auto body = framed(0);
  if (!body) return std::nullopt;
  std::string copy(*body);
  drop(copy.size() + 4);
  return copy;
}

void MessageReader::drop(std::size_t count) {
  offset_ += count;
  if (offset_ * 2 < buffer_.size()) return;
  buffer_.erase(0, offset_);
  offset_ = 0;
}

Message error_message(std::string_view severity, std::string_view sqlstate, std::string_view text) {
  return {'E', Body()
                   .byte('S')
                   .string(severity)
                   .byte('V')
                   .string(severity)
                   .byte('C')
                   .string(sqlstate)
                   .byte('M')
                   .string(text)
                   .byte(0)};
}

std::string error_field(const Message& error, char field) {
  ByteReader reader(as_bytes(error.body));
  for (char code = static_cast<char>(reader.u8()); code != 0;
       code = static_cast<char>(reader.u8())) {
    const auto value = reader.cstring();
    if (code == field) return std::string(value);
  }
  return {};
}

Message parameter_status(std::string_view name, std::string_view value) {
  return {'S', Body().string(name).string(value)};
}

Message query(std::string_view sql) {
  return {'Q', Body().string(sql)};
}

Message parse(std::string_view name, std::string_view sql) {
  return {'P', Body().string(name).string(sql).int16(0)};
}

Message bind(std::string_view portal, std::string_view statement,
             const std::vector<std::string>& values) {
  Body body;
  body.string(portal).string(statement).int16(0).int16(static_cast<int>(values.size()));
  for (const auto& value : values) {
    body.int32(static_cast<std::uint32_t>(value.size())).raw(value);
  }
  body.int16(0);
  return {'B', std::move(body)};
}

Message describe(char kind, std::string_view name) {
  return {'D', Body().byte(kind).string(name)};
}

Message execute(std::string_view portal, std::uint32_t rows_max) {
  return {'E', Body().string(portal).int32(rows_max)};
}

Message close_message(char kind, std::string_view name) {
  return {'C', Body().byte(kind).string(name)};
}

std::string to_text(const Message& message) {
  std::string text(1, message.type);
  text += ' ';
  for (const char c : std::string_view(message.body).substr(0, kShownBytes)) {
    text += c >= ' ' && c <= '~' ? c : '.';
  }
  if (message.body.size() > kShownBytes) {
    text += "... (" + std::to_string(message.body.size()) + " bytes)";
  }
  return text;
}

}  // namespace tidegate::sim
