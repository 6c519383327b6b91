// What a client of the console wrote, without what means nothing: comments (SQL's, nested ones
// too), blanks and semicolons around it.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::postgres {

// A comment between words becomes a blank. What stands in quotes stays as it is.
std::string console_command(std::string_view text);

}  // namespace tidegate::postgres
