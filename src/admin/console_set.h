// SET on the console. Drivers set things at login, which mean nothing here and are let pass. An
// operator who sets a setting of the pooler is told that this is no way to change it: an answer
// that looks like success would be believed.
#pragma once

#include <string>
#include <string_view>

#include "session/table.h"

namespace tidegate::admin {

session::ConsoleReply failure(std::string message, std::string sqlstate);

// `command` is a whole SET; `file` is where the configuration was read from, empty: the command
// line.
session::ConsoleReply answer_set(std::string_view command, std::string_view file);

}  // namespace tidegate::admin
