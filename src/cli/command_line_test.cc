#include "cli/command_line.h"

#include <gtest/gtest.h>

namespace tidegate::cli {
namespace {

using Words = std::vector<std::string>;

CommandLine parsed(const Words& words, const std::optional<std::string>& url = {}) {
  auto line = parse_command_line(words, url);
  EXPECT_TRUE(line) << (line ? "" : line.error());
  return line.value_or(CommandLine{});
}

std::string error(const Words& words) {
  const auto line = parse_command_line(words, std::nullopt);
  return line ? "" : line.error();
}

TEST(CommandLine, serve_has_options) {
  const auto line =
      parsed({"serve", "--upstream", "postgres://u:p@h/d", "--listen", "*:1", "--listen=/run/x",
              "--workers", "2", "--log-level", "debug", "--log-json", "--ready-file", "/r"});
  EXPECT_EQ(line.verb, Verb::serve);
  EXPECT_EQ(line.serve.upstream_url, "postgres://u:p@h/d");
  EXPECT_EQ(line.serve.listen, (Words{"*:1", "/run/x"}));
  EXPECT_EQ(line.serve.workers, 2);
  EXPECT_EQ(line.serve.log_level, "debug");
  EXPECT_TRUE(line.serve.log_json);
  EXPECT_FALSE(line.serve.check_only);
  EXPECT_EQ(line.serve.ready_file, "/r");
}

TEST(CommandLine, database_url_counts_when_nothing_else_says_which_database) {
  EXPECT_EQ(parsed({"serve"}, "postgres://env").serve.upstream_url, "postgres://env");
  EXPECT_EQ(parsed({"serve", "--upstream", "postgres://u"}, "postgres://env").serve.upstream_url,
            "postgres://u");
  EXPECT_EQ(parsed({"serve", "--config", "f"}, "postgres://env").serve.upstream_url, "");
  EXPECT_EQ(error({"serve"}),
            "which database? Give --upstream URL, --config FILE, or set DATABASE_URL");
  EXPECT_EQ(error({"serve", "--config", "f", "--upstream", "postgres://u"}),
            "--config and --upstream exclude each other");
}

TEST(CommandLine, knows_the_other_verbs) {
  EXPECT_EQ(parsed({"check", "t.toml"}).check_file, "t.toml");
  EXPECT_EQ(parsed({"settings", "--markdown"}).verb, Verb::settings);
  EXPECT_EQ(parsed({"reasons"}).verb, Verb::reasons);
  EXPECT_EQ(parsed({"version"}).verb, Verb::version);
  EXPECT_EQ(parsed({"--version"}).verb, Verb::version);
}

TEST(CommandLine, helps) {
  for (const auto& words : {Words{}, Words{"--help"}}) {
    const auto line = parsed(words);
    EXPECT_EQ(line.verb, Verb::help);
    EXPECT_NE(line.help.find("tidegate serve --upstream postgres://"), std::string::npos);
  }
  const auto serve = parsed({"serve", "--help"});
  EXPECT_EQ(serve.verb, Verb::help);
  EXPECT_NE(serve.help.find("--listen"), std::string::npos);
}

TEST(CommandLine, suggests_what_was_meant) {
  EXPECT_EQ(error({"serv"}), "unknown command `serv`: did you mean `serve`?");
  EXPECT_EQ(error({"chekc", "f"}), "unknown command `chekc`: did you mean `check`?");
  EXPECT_EQ(error({"serve", "--confg", "f"}), "unknown option `--confg`: did you mean `--config`?");
  EXPECT_NE(error({"check"}).find("FILE"), std::string::npos);
  EXPECT_NE(error({"serve", "--config", "f", "--workers", "0"}).find("--workers"),
            std::string::npos);
}

TEST(CommandLine, errors_never_repeat_a_password) {
  for (const auto& words :
       {Words{"serve", "postgres://u:hunter2@h/d"}, Words{"postgres://u:hunter2@h/d"},
        Words{"serve", "--upstreem=postgres://u:hunter2@h/d"},
        Words{"serve", "--workers", "postgres://u:hunter2@h/d"},
        Words{"serve", "--log-level", "postgres://u:hunter2@h/d"}}) {
    EXPECT_NE(error(words), "");
    EXPECT_EQ(error(words).find("hunter2"), std::string::npos) << error(words);
  }
  EXPECT_EQ(error({"serve", "postgres://u:hunter2@h/d"}),
            "a URL needs its option: --upstream postgres://u:***@h/d");
}

TEST(CommandLine, what_carries_a_password_is_overwritten_in_place) {
  char program[] = "tidegate", verb[] = "serve", option[] = "--upstream", bad[] = "hunter2",
       joined[] = "--upstream=hunter2", url[] = "postgres://u:hunter2@h/d", file[] = "--config";
  char* argv[] = {program, verb, option, bad, joined, url, file};
  const auto words = take_arguments(7, argv);
  EXPECT_EQ(words, (Words{"serve", "--upstream", "hunter2", "--upstream=hunter2",
                          "postgres://u:hunter2@h/d", "--config"}));
  for (const char* argument : argv) {
    EXPECT_EQ(std::string(argument).find("hunter2"), std::string::npos) << argument;
  }
  EXPECT_STREQ(verb, "serve");
  EXPECT_STREQ(option, "--upstream");
  EXPECT_STREQ(file, "--config");
}

}  // namespace
}  // namespace tidegate::cli
