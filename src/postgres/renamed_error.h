// PostgreSQL's errors name a prepared statement as the server knows it ("bind message supplies 0
// parameters, but prepared statement ... requires 1"), in whatever language. The client reads its
// own name.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace tidegate::postgres {

// False, and nothing is written: the body of the error is not whole, or does not name it.
bool write_renamed_error(ByteBuffer& out, Bytes body, std::string_view server_name,
                         std::string_view client_name);

}  // namespace tidegate::postgres
