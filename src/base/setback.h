// How a failed attempt to open a server is to be taken. Whoever saw it fail knows best; the policy
// decides from it whether those who wait may still hope.
#pragma once

#include <cstdint>

namespace tidegate {

enum class Setback : std::uint8_t {
  passing,           // may be over at the next attempt (refused, timed out, starting up): wait on
  passing_of_route,  // ... of one database and user (its CONNECTION LIMIT, or one of several hosts)
  of_route,          // will last, and is about one database and user (a wrong password)
  of_upstream,       // will last, and meets whoever goes there (a wrong name, a bad certificate)
};

}  // namespace tidegate
