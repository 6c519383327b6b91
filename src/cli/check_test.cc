#include "cli/check.h"

#include <gtest/gtest.h>

namespace tidegate::cli {
namespace {

TEST(Check, sums_up_a_good_file) {
  config::Loaded loaded;
  loaded.config.upstreams.resize(1);
  loaded.config.routes.resize(2);
  EXPECT_EQ(report(loaded, "t.toml", false),
            "t.toml: fine: 1 upstream, 2 routes, 0 users, 0 warnings\n");
}

TEST(Check, lists_problems_with_their_places) {
  config::Loaded loaded;
  loaded.problems = {{config::Severity::error, "t.toml", 3, 1, "unknown key `x`"},
                     {config::Severity::warning, "t.toml", 4, 5, "odd"}};
  EXPECT_EQ(report(loaded, "t.toml", false),
            "t.toml:3:1: error: unknown key `x`\nt.toml:4:5: warning: odd\n"
            "t.toml: not usable: 1 error, 1 warning\n");
  EXPECT_NE(report(loaded, "t.toml", true).find("t.toml:3:1: \033[1;31merror:\033[0m unknown"),
            std::string::npos);
}

}  // namespace
}  // namespace tidegate::cli
