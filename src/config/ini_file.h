// The syntax of pgbouncer.ini: [section], key = value, comments on lines of their own that begin
// with `;` or `#`, and %include FILE. What the keys mean is not known here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/problems.h"

namespace tidegate::config {

struct IniEntry {
  std::string section;
  std::string key;    // a database name in double quotes is unquoted
  std::string value;  // without spaces around it
  Place key_place;
  Place value_place;
};

// Entries in their order, those of included files in the place of the %include.
std::vector<IniEntry> read_ini(std::string_view text, const std::string& file,
                               const Sources& sources, Problems& problems);

}  // namespace tidegate::config
