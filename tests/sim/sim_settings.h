// The settings of one simulated session, with PostgreSQL's rules: names without case, values
// brought to one spelling, SET undone by ROLLBACK, SET LOCAL gone with the transaction.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "sim/wire.h"

namespace tidegate::sim {

struct SettingInfo {
  std::string_view name;
  std::string_view fallback;
  bool reported;
};

// What the simulated PostgreSQL knows; a SET of anything else is an error.
inline constexpr std::array<SettingInfo, 10> kSettings = {{
    {"application_name", "", true},
    {"client_encoding", "UTF8", true},
    {"DateStyle", "ISO, MDY", true},
    {"IntervalStyle", "postgres", true},
    {"standard_conforming_strings", "on", true},
    {"TimeZone", "Etc/UTC", true},
    {"extra_float_digits", "1", false},
    {"lock_timeout", "0", false},
    {"search_path", "\"$user\", public", false},
    {"statement_timeout", "0", false},
}};

class SimSettings {
 public:
  using Values = std::array<std::string, kSettings.size()>;

  SimSettings();

  // The spelling that PostgreSQL would show; nothing when it would refuse the value.
  static std::optional<std::string> canonical(std::string_view name, std::string_view value);
  static std::optional<std::size_t> index_of(std::string_view name);

  // From the startup packet: also what RESET goes back to. False: refused.
  bool set_default(std::string_view name, std::string_view value);
  bool set(std::string_view name, std::string_view value, bool local);
  bool reset(std::string_view name);
  void reset_all();
  const std::string& get(std::size_t index) const { return values_[index]; }
  // Whether it is other than at the login.
  bool is_set(std::size_t index) const { return values_[index] != defaults_[index]; }

  void transaction_began() { before_ = session_ = values_; }
  void committed() { values_ = session_; }
  void rolled_back() { values_ = session_ = before_; }

  // One line that tells everything: what a query shows of the session it ran in.
  std::string text() const;

 private:
  Values defaults_;
  Values values_;   // in force now
  Values session_;  // without SET LOCAL
  Values before_;   // when the transaction began
};

}  // namespace tidegate::sim
