// The machine's clocks. Only the backends and main ask them; everybody else is told the time.
#pragma once

#include "base/time.h"

namespace tidegate::net {

Instant monotonic_now();
WallTime calendar_now();

}  // namespace tidegate::net
