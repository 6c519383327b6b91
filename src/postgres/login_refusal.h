// What a database means by refusing our login, from the SQLSTATE it gives and the function of it
// that does: how lasting it is, whom it meets, and what somebody who reads its words in front of
// the pooler should do about it.
#pragma once

#include <string_view>

#include "base/reason.h"
#include "base/setback.h"

namespace tidegate::postgres {

struct LoginRefusal {
  Reason reason = Reason::server_login_failed;
  Setback setback = Setback::passing;
  std::string_view hint = "";
};

LoginRefusal judge_refusal(std::string_view sqlstate, std::string_view routine);

}  // namespace tidegate::postgres
