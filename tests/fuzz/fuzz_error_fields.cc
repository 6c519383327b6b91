// Bodies of ErrorResponse and NoticeResponse: any bytes are read or refused, and every field that
// was read lies inside them.
#include "base/check.h"
#include "postgres/messages.h"

using namespace tidegate;
using namespace tidegate::postgres;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
  const auto error = read_error(body);
  if (!error) return 0;
  TG_CHECK(size > 0 && body.back() == 0);
  const auto whole = as_text(body);
  for (const auto field : {error->severity, error->sqlstate, error->message, error->routine}) {
    if (field.empty()) continue;
    TG_CHECK(field.data() >= whole.data());
    TG_CHECK(field.data() + field.size() < whole.data() + whole.size());
    TG_CHECK(field.find('\0') == field.npos);
  }
  return 0;
}
