// What a database means by refusing our login, from the SQLSTATE it gives: how lasting it is, and
// what somebody who reads its words in front of the pooler should do about it.
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

LoginRefusal judge_refusal(std::string_view sqlstate);

}  // namespace tidegate::postgres
