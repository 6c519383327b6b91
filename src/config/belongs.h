// Where a setting belongs that was written in another place, or under PgBouncer's name.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::config {

// ": it belongs in [pool] or [route.NAME]", ": here it is `clients_max`, at the top of the file",
// or nothing when no setting is called so.
std::string where_it_belongs(std::string_view key);

}  // namespace tidegate::config
