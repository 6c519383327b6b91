// docs/settings.md, printed from the settings tables.
#include <fmt/format.h>

#include "config/load.h"
#include "config/pgbouncer_settings.h"
#include "config/settings.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Settings

Printed by `tidegate settings --markdown` from the tables that also read the files.
How the files are written is in [configuration.md](configuration.md).

)";

constexpr std::string_view kNoReload =
    "Nothing changes while Tidegate runs: a file is read at the start, and a change counts\n"
    "after a restart. (SIGHUP opens the log file anew and does nothing else.)\n";
constexpr std::string_view kReload =
    "A setting marked * needs a restart; the others follow a reload.\n";

constexpr std::string_view kUnits = R"(
A duration is written `"500ms"`, `"30s"`, `"5min"`, `"1h"` or `"1d"`; without a unit it is in
seconds. A size is written `"64kB"` or `"1MB"`; without a unit it is in bytes. In every string
`${NAME}` stands for an environment variable.
)";

constexpr std::string_view kIni = R"(
## pgbouncer.ini

A file named `*.ini` is read as PgBouncer reads it, with PgBouncer's defaults. The tables above name
the settings of PgBouncer that have the same meaning here. What becomes of the others:
)";

// A cell must not end early.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? "" : fmt::format("`{}`", text);
}

// The kinds that the introduction explains need no more than their name.
template <typename Owner>
std::string accepted(const Setting<Owner>& setting) {
  if (setting.kind == Kind::duration) {
    const auto& accepts = setting.accepts;
    return accepts.substr(0, accepts.find("a duration")) + "a duration";
  }
  return cell(setting.accepts);
}

template <typename Owner>
void print_rows(const Table<Owner>& table, const Owner& fresh, std::string& out) {
  out += "\n| setting | value | default | pgbouncer.ini | meaning |\n|---|---|---|---|---|\n";
  for (const auto& setting : table) {
    out += fmt::format("| `{}`{} | {} | {} | {} | {} |\n", setting.name,
                       kReloadable && setting.needs_restart ? " *" : "", accepted(setting),
                       code(setting.shown(fresh)), code(setting.ini_name), cell(setting.doc));
  }
}

void print_fates(std::string_view title, std::span<const PgbouncerSetting> settings,
                 std::string& out) {
  out += fmt::format("\n{}\n\n| in pgbouncer.ini | becomes |\n|---|---|\n", title);
  for (const auto& setting : settings) {
    std::string fate;
    switch (setting.fate) {
      case Fate::translated:
        fate = setting.note;
        break;
      case Fate::needless:
        fate = setting.note.empty() ? "needless" : fmt::format("needless: {}", setting.note);
        break;
      case Fate::missing:
        fate = fmt::format("no effect, with a warning: {}", setting.note);
        break;
    }
    out += fmt::format("| `{}` | {} |\n", setting.name, fate);
  }
}

}  // namespace

std::string manual() {
  std::string out(kIntroduction);
  out += kReloadable ? kReload : kNoReload;
  out += kUnits;
  Config fresh;
  fresh.listen.push_back({});
  for (const auto& section : global_sections()) {
    const auto title = section.name.empty() ? "Top of the file" : fmt::format("[{}]", section.name);
    out += fmt::format("\n## {}\n\n{}\n", title, section.about);
    print_rows(section.table, fresh, out);
  }
  out += "\n## [upstream.NAME]\n\nA database (or service), and the connections to it.\n";
  print_rows(upstream_settings(), {}, out);
  out +=
      "\n## [route.NAME]\n\nThe name of a database as clients know it; `\"*\"` is every other "
      "name.\n";
  print_rows(route_settings(), {}, out);
  out +=
      "\n## [pool] and [route.NAME]\n\nHow many servers, for whom, how long. [pool] is what every "
      "route starts with.\n";
  print_rows(pool_settings(), {}, out);
  out += "\n## [user.NAME]\n\nWho may log in.\n";
  print_rows(user_settings(), {}, out);
  out += kIni;
  print_fates("In [pgbouncer]:", pgbouncer_settings(), out);
  print_fates("In a line of [databases]:", pgbouncer_database_keys(), out);
  print_fates("In a line of [users]:", pgbouncer_user_keys(), out);
  return out;
}

}  // namespace tidegate::config
