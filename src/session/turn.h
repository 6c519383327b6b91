// What a pure step is given of time and chance.
#pragma once

#include "base/entropy.h"
#include "base/time.h"

namespace tidegate::session {

struct Turn {
  Instant now;
  WallTime wall;
  Entropy& entropy;
};

}  // namespace tidegate::session
