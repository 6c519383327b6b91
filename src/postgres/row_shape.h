// What the rows of a statement look like, in one number: names and types of their columns, as a
// RowDescription tells them (PostgreSQL manual, 55.7) and as PostgreSQL itself compares them before
// it says "cached plan must not change result type". Which table a column comes from is left out:
// one that was made anew alike reads alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace tidegate::postgres {

enum class RowShape : std::uint64_t { unknown = 0 };

// PostgreSQL has at most 1664 columns, with names of at most 63 bytes.
inline constexpr std::size_t kRowDescriptionBytesMax = 256 * 1024;

// `body`: of the RowDescription. Unknown when it does not parse.
RowShape row_shape_of(Bytes body);

}  // namespace tidegate::postgres
