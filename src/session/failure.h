// Why a server could not be had, with all that is known about it: for the log, and for the clients
// that wanted it.
#pragma once

#include <string>

#include "base/reason.h"
#include "base/setback.h"

namespace tidegate::session {

struct Failure {
  Reason reason = Reason::none;
  std::string detail;  // in whose words ever: the system's, OpenSSL's, ours, the database's
  Setback setback = Setback::passing;
  std::string sqlstate;  // not empty: the database itself answered, and `detail` is its text
  std::string hint;      // what to do about it, when there is more to say than the reason says
};

}  // namespace tidegate::session
