// PostgreSQL's md5 passwords: what is stored is "md5" + hex(md5(password + user)), what goes over
// the wire is "md5" + hex(md5(stored hex + salt)).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tidegate::auth {

std::string md5_stored(std::string_view user, std::string_view password);
// `stored` with its "md5" prefix; `salt` is 4 bytes.
std::string md5_response(std::string_view stored, Bytes salt);
// Same content, in time that does not depend on where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

enum class SecretForm { cleartext, md5, scram };
SecretForm secret_form(std::string_view stored);

}  // namespace tidegate::auth
