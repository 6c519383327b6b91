#include "cli/command_line.h"

#include <cstring>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/url.h"
#include "config/nearest.h"

namespace tidegate::cli {
namespace {

using Error = std::unexpected<std::string>;

constexpr const char* kAbout =
    "Tidegate stands between many clients and a database with few connections.";

constexpr const char* kExamples = R"(
Examples:
  tidegate serve --upstream postgres://user:password@host/database
      listens on 127.0.0.1:6432 and pools that database; clients use the same user and password
  DATABASE_URL=postgres://... tidegate serve --listen '*:6432'
  tidegate serve --config tidegate.toml
  tidegate serve --config pgbouncer.ini
  tidegate check tidegate.toml)";

constexpr const char* kServeNotes = R"(
Without --config and --upstream the variable DATABASE_URL says which database. A password is safer
in DATABASE_URL or in a file than on the command line, although it is wiped from there at once.

Signals:
  SIGTERM, SIGINT   leave when transactions are finished; a second one: at once
  SIGQUIT           leave at once
  SIGHUP            open the log file anew
  SIGUSR1, SIGUSR2  PgBouncer's PAUSE and RESUME: not there yet, a warning in the log is all)";

bool looks_like_url(std::string_view word) {
  return word.find("://") != std::string_view::npos;
}

class CommandLineReader {
 public:
  CommandLineReader() : app_(kAbout, "tidegate") {
    app_.footer(kExamples);
    app_.set_version_flag("--version", "tidegate " TIDEGATE_VERSION);
    app_.require_subcommand(0, 1);
    define_serve();
    check_ = app_.add_subcommand("check", "Read a configuration and say what is wrong with it");
    check_->add_option("FILE", line_.check_file, "tidegate.toml or pgbouncer.ini")->required();
    settings_ = app_.add_subcommand("settings", "Print the manual of all settings");
    settings_->add_flag("--markdown", markdown_, "As Markdown, which is the default");
    reasons_ = app_.add_subcommand("reasons", "Print what errors and the log give as reasons");
    version_ = app_.add_subcommand("version", "Print the version");
  }

  std::expected<CommandLine, std::string> read(const std::vector<std::string>& words) {
    // CLI11 takes its words from the back.
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    try {
      app_.parse(reversed);
    } catch (const CLI::CallForHelp&) {
      return help();
    } catch (const CLI::CallForVersion&) {
      line_.verb = Verb::version;
      return line_;
    } catch (const CLI::ParseError& error) {
      return Error(explain(error, words));
    }
    if (serve_->parsed()) line_.verb = Verb::serve;
    if (check_->parsed()) line_.verb = Verb::check;
    if (settings_->parsed()) line_.verb = Verb::settings;
    if (reasons_->parsed()) line_.verb = Verb::reasons;
    if (version_->parsed()) line_.verb = Verb::version;
    if (line_.verb == Verb::help) return help();
    return line_;
  }

 private:
  void define_serve() {
    auto& options = line_.serve;
    serve_ = app_.add_subcommand("serve", "Listen for clients and pool the database");
    serve_->footer(kServeNotes);
    serve_->add_option("--config", options.config_file, "tidegate.toml or pgbouncer.ini")
        ->type_name("FILE");
    serve_->add_option("--upstream", options.upstream_url, "The database, when there is no file")
        ->type_name("URL");
    serve_
        ->add_option("--listen", options.listen,
                     "HOST:PORT or a folder for a unix socket; may be repeated")
        ->type_name("ADDRESS")
        ->take_all();
    serve_->add_option("--workers", options.workers, "Threads; one per processor if not given")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    serve_->add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    serve_->add_flag("--log-json", options.log_json, "One JSON object per event");
    serve_->add_flag("--check", options.check_only,
                     "Read the configuration, say what is wrong, and leave");
    serve_->add_option("--ready-file", options.ready_file, "Written when clients can connect")
        ->type_name("FILE");
  }

  CommandLine help() {
    line_.verb = Verb::help;
    for (const auto* command : app_.get_subcommands()) {
      line_.help = command->help("tidegate");
      return line_;
    }
    line_.help = app_.help();
    return line_;
  }

  std::string explain(const CLI::ParseError& error, const std::vector<std::string>& words) const {
    const auto* command = app_.get_subcommands().empty() ? nullptr : app_.get_subcommands().front();
    // The library repeats words in its messages; one of them may be a URL with a password.
    for (const auto& word : words) {
      const bool option = word.starts_with("--upstream");
      if (looks_like_url(word) && !option && error.get_exit_code() != 0 && is_extra(error)) {
        return fmt::format("a URL needs its option: --upstream {}", redacted(word));
      }
    }
    std::string text = is_extra(error) ? unknown_word(command, words) : error.what();
    for (const auto& word : words) hide(text, word);
    return text;
  }

  static bool is_extra(const CLI::ParseError& error) {
    return dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  }

  static void hide(std::string& text, const std::string& word) {
    if (!looks_like_url(word)) return;
    const auto at = text.find(word);
    if (at != std::string::npos) text.replace(at, word.size(), redacted(word));
  }

  std::string unknown_word(const CLI::App* command, const std::vector<std::string>& words) const {
    std::vector<std::string> known;
    if (command == nullptr) {
      for (const auto* one : app_.get_subcommands({})) known.push_back(one->get_name());
    } else {
      for (const auto* option : command->get_options()) known.push_back(option->get_name());
    }
    const auto extras = app_.remaining(true);
    const auto word = extras.empty() ? words.front() : extras.front();
    const auto name = word.substr(0, word.find('='));
    return fmt::format("unknown {} `{}`{}", name.starts_with('-') ? "option" : "command", name,
                       config::did_you_mean(name, {known.begin(), known.end()}));
  }

  CommandLine line_;
  bool markdown_ = true;
  CLI::App app_;
  CLI::App* serve_ = nullptr;
  CLI::App* check_ = nullptr;
  CLI::App* settings_ = nullptr;
  CLI::App* reasons_ = nullptr;
  CLI::App* version_ = nullptr;
};

std::expected<void, std::string> choose_upstream(ServeOptions& options,
                                                 const std::optional<std::string>& database_url) {
  if (!options.config_file.empty() && !options.upstream_url.empty()) {
    return Error("--config and --upstream exclude each other");
  }
  if (!options.config_file.empty() || !options.upstream_url.empty()) return {};
  if (!database_url || database_url->empty()) {
    return Error("which database? Give --upstream URL, --config FILE, or set DATABASE_URL");
  }
  options.upstream_url = *database_url;
  return {};
}

}  // namespace

std::expected<CommandLine, std::string> parse_command_line(
    const std::vector<std::string>& words, const std::optional<std::string>& database_url) {
  auto line = CommandLineReader().read(words);
  if (line && line->verb == Verb::serve) {
    const auto chosen = choose_upstream(line->serve, database_url);
    if (!chosen) return Error(chosen.error());
  }
  return line;
}

std::vector<std::string> take_arguments(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    words.emplace_back(argv[i]);
    // What follows --upstream is hidden even if it is no URL: it may be a misspelt one.
    const bool follows = words.size() > 1 && words[words.size() - 2] == "--upstream";
    const bool joined = words.back().starts_with("--upstream=");
    if (follows || joined || looks_like_url(words.back())) {
      std::memset(argv[i], '*', words.back().size());
    }
  }
  return words;
}

}  // namespace tidegate::cli
