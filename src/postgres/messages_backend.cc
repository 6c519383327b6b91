// What Tidegate says to a client in the server's place.
#include <fmt/format.h>

#include "postgres/authentication.h"
#include "postgres/message.h"
#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

void write_authentication(ByteBuffer& out, Authentication kind, Bytes data = {}) {
  Message(out, 'R').be32(static_cast<std::uint32_t>(kind)).bytes(data);
}

void write_fields(ByteBuffer& out, char type, const ErrorText& error) {
  Message message(out, type);
  const auto field = [&](char name, std::string_view value) {
    message.u8(static_cast<std::uint8_t>(name)).cstring(value);
  };
  field('S', error.severity);
  field('V', error.severity);
  field('C', error.sqlstate);
  field('M', error.message);
  if (!error.detail.empty()) field('D', error.detail);
  if (!error.hint.empty()) field('H', error.hint);
  if (!error.routine.empty()) field('R', error.routine);
  message.u8(0);
}

// pg_type's oid and typlen; a negative length means that the type varies.
struct TypeOnWire {
  std::uint32_t oid;
  std::int16_t bytes;
};

TypeOnWire on_wire(session::CellType type) {
  switch (type) {
    case session::CellType::text:
      return {25, -1};
    case session::CellType::int4:
      return {23, 4};
    case session::CellType::int8:
      return {20, 8};
    case session::CellType::numeric:
      return {1700, -1};
    case session::CellType::boolean:
      return {16, 1};
  }
  return {25, -1};
}

constexpr std::uint32_t kNull = 0xffffffff;
constexpr std::uint32_t kNoTypeModifier = 0xffffffff;

}  // namespace

void write_authentication_ok(ByteBuffer& out) {
  write_authentication(out, Authentication::ok);
}

void write_authentication_cleartext(ByteBuffer& out) {
  write_authentication(out, Authentication::cleartext);
}

void write_authentication_md5(ByteBuffer& out, Bytes salt) {
  write_authentication(out, Authentication::md5, salt);
}

void write_authentication_sasl(ByteBuffer& out, bool offer_plus) {
  Message message(out, 'R');
  message.be32(static_cast<std::uint32_t>(Authentication::sasl));
  if (offer_plus) message.cstring(kScramPlus);
  message.cstring(kScram).u8(0);
}

void write_authentication_sasl_continue(ByteBuffer& out, std::string_view data) {
  write_authentication(out, Authentication::sasl_continue, as_bytes(data));
}

void write_authentication_sasl_final(ByteBuffer& out, std::string_view data) {
  write_authentication(out, Authentication::sasl_final, as_bytes(data));
}

void write_parameter_status(ByteBuffer& out, std::string_view name, std::string_view value) {
  Message(out, 'S').cstring(name).cstring(value);
}

void write_backend_key_data(ByteBuffer& out, std::uint32_t pid, std::uint32_t key) {
  Message(out, 'K').be32(pid).be32(key);
}

void write_ready_for_query(ByteBuffer& out, char status) {
  Message(out, 'Z').u8(static_cast<std::uint8_t>(status));
}

void write_negotiate_protocol_version(ByteBuffer& out, std::uint32_t newest,
                                      const std::vector<std::string>& unknown_options) {
  Message message(out, 'v');
  message.be32(newest).be32(static_cast<std::uint32_t>(unknown_options.size()));
  for (const auto& option : unknown_options) message.cstring(option);
}

void write_error(ByteBuffer& out, const ErrorText& error) {
  write_fields(out, 'E', error);
}
void write_notice(ByteBuffer& out, const ErrorText& notice) {
  write_fields(out, 'N', notice);
}

std::string reason_message(Reason reason, std::string_view detail) {
  const auto text = info(reason).text;
  return detail.empty() ? std::string(text) : fmt::format("{} ({})", text, detail);
}

void write_error(ByteBuffer& out, Reason reason, std::string_view severity,
                 std::string_view detail) {
  write_error(out, {.severity = severity,
                    .sqlstate = info(reason).sqlstate,
                    .message = reason_message(reason, detail)});
}

// The code of a wrong password would tell the client's driver that the client's own is wrong.
constexpr std::string_view kInvalidPassword = "28P01";

void write_error(ByteBuffer& out, const session::Failure& why, std::string_view severity) {
  ErrorText error{.severity = severity, .sqlstate = info(why.reason).sqlstate, .hint = why.hint};
  if (why.sqlstate.empty()) {
    error.message = reason_message(why.reason, why.detail);
  } else {
    error.message = "the database refused the pooler's login";
    if (!why.detail.empty()) error.message += ": " + why.detail;
    error.detail = fmt::format("The database answered with SQLSTATE {}.", why.sqlstate);
    if (why.sqlstate != kInvalidPassword) error.sqlstate = why.sqlstate;
  }
  write_error(out, error);
}

void write_error_for_protocol_2(ByteBuffer& out, std::string_view message) {
  ByteWriter(out).u8('E').text("FATAL:  ").text(message).cstring("\n");
}

void write_parse_complete(ByteBuffer& out) {
  Message(out, '1');
}
void write_close_complete(ByteBuffer& out) {
  Message(out, '3');
}
void write_empty_query_response(ByteBuffer& out) {
  Message(out, 'I');
}

void write_command_complete(ByteBuffer& out, std::string_view tag) {
  Message(out, 'C').cstring(tag);
}

void write_row_description(ByteBuffer& out, const session::Table& table,
                           const ResultFormats& formats) {
  Message message(out, 'T');
  message.be16(static_cast<std::uint16_t>(table.columns.size()));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto& column = table.columns[i];
    const auto type = on_wire(column.type);
    message.cstring(column.name)
        .be32(0)  // of no table ...
        .be16(0)  // ... hence no column of one
        .be32(type.oid)
        .be16(static_cast<std::uint16_t>(type.bytes))
        .be32(kNoTypeModifier)
        .be16(formats.of(i));
  }
}

void write_data_rows(ByteBuffer& out, const session::Table& table, const ResultFormats& formats) {
  for (const auto& row : table.rows) {
    Message message(out, 'D');
    message.be16(static_cast<std::uint16_t>(row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!row[i]) {
        message.be32(kNull);
      } else if (formats.of(i) == ResultFormats::kText) {
        message.be32(static_cast<std::uint32_t>(row[i]->size())).text(*row[i]);
      } else {
        const auto cell = binary_cell(table.columns[i].type, *row[i]);
        message.be32(static_cast<std::uint32_t>(cell.size())).bytes(cell);
      }
    }
  }
}

}  // namespace tidegate::postgres
