#include "cli/main_cli.h"

#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include <fmt/format.h>

#include "cli/check.h"
#include "cli/command_line.h"
#include "cli/core_dumps.h"
#include "cli/descriptors.h"
#include "cli/reasons.h"
#include "cli/service.h"
#include "config/load.h"
#include "net/descriptors.h"

namespace tidegate::cli {
namespace {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

std::optional<std::string> database_url() {
  const char* url = std::getenv("DATABASE_URL");
  if (url == nullptr) return std::nullopt;
  return url;
}

int check(const std::string& file) {
  auto loaded = config::load_file(file, config::Sources::real());
  if (auto shortage = descriptor_shortage(loaded.config, worker_count(loaded.config),
                                          net::raise_descriptor_limit().limit)) {
    loaded.problems.push_back({config::Severity::warning, file, 0, 0, std::move(*shortage)});
  }
  fmt::print("{}", report(loaded, file, isatty(STDOUT_FILENO) == 1));
  return loaded.usable() ? kExitDone : kExitFailed;
}

}  // namespace

int run_cli(int argc, char** argv) {
  keep_memory_out_of_core_dumps();
  const auto line = parse_command_line(take_arguments(argc, argv), database_url());
  if (!line) {
    fmt::print(stderr, "tidegate: {}\nTry: tidegate --help\n", line.error());
    return kExitUsage;
  }
  switch (line->verb) {
    case Verb::serve:
      return serve(line->serve);
    case Verb::check:
      return check(line->check_file);
    case Verb::settings:
      fmt::print("{}", config::manual());
      return kExitDone;
    case Verb::reasons:
      fmt::print("{}", manual_of_reasons());
      return kExitDone;
    case Verb::version:
      fmt::print("tidegate {}\n", TIDEGATE_VERSION);
      return kExitDone;
    case Verb::help:
      fmt::print("{}", line->help);
      return kExitDone;
  }
  return kExitUsage;
}

}  // namespace tidegate::cli
