// Whether a word is the name of a setting, for who meets it outside of a file.
#pragma once

#include <string_view>

namespace tidegate::config {

// Of Tidegate's, with or without its section ("log.level", "level"), or of PgBouncer's.
bool is_name_of_setting(std::string_view name);

}  // namespace tidegate::config
