// Base64 as SCRAM needs it (RFC 4648 section 4): padded, and strict when reading. There is exactly
// one text for every value, so a changed letter is always noticed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tidegate::auth {

std::string base64_encode(Bytes bytes);
// Nothing when the text has blanks, foreign letters, wrong padding or leftover bits.
std::optional<std::vector<std::uint8_t>> base64_decode(std::string_view text);

}  // namespace tidegate::auth
