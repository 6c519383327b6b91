// Reads the body of ErrorResponse and NoticeResponse: a letter and a text, over and over, until a
// letter that is zero (PostgreSQL manual, 55.8).
#include "postgres/messages.h"

namespace tidegate::postgres {

std::optional<ErrorFields> read_error(Bytes body) {
  ErrorFields fields;
  std::string_view localised_severity = "";
  ByteReader reader(body);
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
  if (!reader.finished()) return std::nullopt;
  if (fields.severity.empty()) fields.severity = localised_severity;
  return fields;
}

}  // namespace tidegate::postgres
