// PostgreSQL's md5 passwords: what is stored is "md5" + hex(md5(password + user)), what goes over
// the wire is "md5" + hex(md5(stored hex + salt)).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tidegate::auth {

// Empty when libcrypto refuses MD5 (FIPS mode).
std::string md5_stored(std::string_view user, std::string_view password);
// `stored` with its "md5" prefix (empty when it is no such secret); `salt` is 4 bytes.
std::string md5_response(std::string_view stored, Bytes salt);
// Same content, in time that does not depend on where they differ. Nothing equals an empty text:
// an empty secret lets nobody in.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// How a stored secret is to be read. What only begins like a SCRAM verifier is not taken for a
// cleartext password: ScramVerifier::parse tells what is wrong with it.
enum class SecretForm { cleartext, md5, scram };
SecretForm secret_form(std::string_view stored);

}  // namespace tidegate::auth
