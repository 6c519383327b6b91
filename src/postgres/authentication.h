// The number that follows the length of an Authentication message and says which one it is
// (PostgreSQL manual, 55.7).
#pragma once

#include <cstdint>

namespace tidegate::postgres {

enum class Authentication : std::uint32_t {
  ok = 0,
  kerberos_5 = 2,
  cleartext = 3,
  md5 = 5,
  scm_credentials = 6,
  gss = 7,
  gss_continue = 8,
  sspi = 9,
  sasl = 10,
  sasl_continue = 11,
  sasl_final = 12,
};

}  // namespace tidegate::postgres
