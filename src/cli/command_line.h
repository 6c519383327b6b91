// What a user asked for, from the words of the command line.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve.h"

namespace tidegate::cli {

enum class Verb : std::uint8_t { serve, check, settings, reasons, version, help };

struct CommandLine {
  Verb verb = Verb::help;
  ServeOptions serve;
  std::string check_file;
  std::string help;  // the text, when that is what was asked for
};

// `words` without the program's own name. `database_url` is the variable DATABASE_URL. The error
// says what is wrong and what would be right, and never repeats a password.
std::expected<CommandLine, std::string> parse_command_line(
    const std::vector<std::string>& words, const std::optional<std::string>& database_url);

// Overwrites every argument that carries a URL in place, so that neither `ps` nor
// /proc/self/cmdline shows its password. Gives the arguments as they were.
std::vector<std::string> take_arguments(int argc, char** argv);

}  // namespace tidegate::cli
