// The two ends of the relay with limits so low that a short input meets them.
#pragma once

#include "../support/relay_ends.h"
#include "login_input.h"

namespace tidegate::fuzz {

using testing::frame;
using testing::zero;

struct RelayEnds : testing::RelayEnds {
  RelayEnds()
      : testing::RelayEnds(
            {.client_statements_max = 20, .server_statements_max = 3, .statement_bytes_max = 200}) {
  }
};

}  // namespace tidegate::fuzz
