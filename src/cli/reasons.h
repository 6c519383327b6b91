// docs/reasons.md, printed from the table of reasons.
#pragma once

#include <string>

namespace tidegate::cli {

std::string manual_of_reasons();

}  // namespace tidegate::cli
