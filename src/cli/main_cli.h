// The whole program behind main().
#pragma once

namespace tidegate::cli {

// Exit codes: 0 done, 1 failed (for `check`: the file is not usable), 2 wrong usage.
int run_cli(int argc, char** argv);

}  // namespace tidegate::cli
