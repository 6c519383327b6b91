// What becomes of the settings of PgBouncer 1.25 that have no setting of the same meaning here.
// (Those that have are named in the settings tables, by Setting::ini_name.)
#pragma once

#include <span>
#include <string_view>

namespace tidegate::config {

enum class Fate : std::uint8_t {
  translated,  // into something of another form; the note says into what
  needless,    // nothing that anybody can see would differ
  missing,     // something would differ: one warning when it is set to anything but its default
};

struct PgbouncerSetting {
  std::string_view name;
  std::string_view fallback;  // PgBouncer's default
  Fate fate;
  std::string_view note;
};

std::span<const PgbouncerSetting> pgbouncer_settings();       // [pgbouncer]
std::span<const PgbouncerSetting> pgbouncer_database_keys();  // in a line of [databases]
std::span<const PgbouncerSetting> pgbouncer_user_keys();      // in a line of [users]

const PgbouncerSetting* find(std::span<const PgbouncerSetting> settings, std::string_view name);

}  // namespace tidegate::config
