// Reads the body of ErrorResponse and NoticeResponse: a letter and a text, over and over, until a
// letter that is zero (PostgreSQL manual, 55.8).
#include "postgres/messages.h"

namespace tidegate::postgres {
namespace {

// Where `reader` stops the fields end, or what there is of them.
ErrorFields read_fields(ByteReader& reader) {
  ErrorFields fields;
  std::string_view localised_severity = "";
  while (const auto name = reader.u8()) {
    const auto value = reader.cstring();
    switch (name) {
      case 'S':
        localised_severity = value;
        break;
      case 'V':
        fields.severity = value;
        break;
      case 'C':
        fields.sqlstate = value;
        break;
      case 'M':
        fields.message = value;
        break;
      case 'R':
        fields.routine = value;
        break;
      default:
        break;
    }
  }
  if (fields.severity.empty()) fields.severity = localised_severity;
  return fields;
}

}  // namespace

std::optional<ErrorFields> read_error(Bytes body) {
  ByteReader reader(body);
  const auto fields = read_fields(reader);
  if (!reader.finished()) return std::nullopt;
  return fields;
}

ErrorFields read_error_head(Bytes body) {
  ByteReader reader(body);
  return read_fields(reader);
}

}  // namespace tidegate::postgres
