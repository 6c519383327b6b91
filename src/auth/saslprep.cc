#include "auth/saslprep.h"

namespace tidegate::auth {

std::string saslprep_or_raw(std::string_view password) { return std::string(password); }

}  // namespace tidegate::auth
