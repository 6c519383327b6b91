// SASLprep (RFC 4013) the way PostgreSQL applies it to passwords, so that a password typed with
// composed or decomposed letters, or with a no-break space, gives the same keys everywhere.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::auth {

// A password that is ASCII, not UTF-8, or has characters that SASLprep prohibits comes back as it
// is: PostgreSQL then hashes the raw bytes too.
std::string saslprep_or_raw(std::string_view password);

}  // namespace tidegate::auth
