// What is not known to be on a server is taken from it before anybody gets it: DISCARD ALL, but for
// the prepared statements, which are shared. It may fail, and nothing of a client's runs before it
// is known to have succeeded.
#pragma once

#include <string_view>

namespace tidegate::postgres {

inline constexpr std::string_view kPutRight =
    "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;CLOSE ALL;UNLISTEN *;"
    "SELECT pg_catalog.pg_advisory_unlock_all();DISCARD TEMP;DISCARD SEQUENCES;";

}  // namespace tidegate::postgres
