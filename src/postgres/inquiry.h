// What no report tells: the values of a session's other settings, once a transaction is over that
// may have changed some. The text of a SET does not say what became of it (it was rolled back, its
// value was brought to another spelling, a function did it), so the server is asked, and what it
// says is what the session has from then on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "postgres/settings.h"
#include "sql/effects.h"

namespace tidegate::postgres {

// Settings that may be other ones than before.
struct Touched {
  // Beyond this the session is tied to its server.
  static constexpr std::size_t kNamesMax = 100;

  std::vector<std::string> names;  // each once
  bool others = false;             // and some that are not named

  bool none() const { return names.empty() && !others; }
  bool too_many() const { return names.size() > kNamesMax; }
  void add(std::string_view name);
  void add(const Touched& more);
  void add_custom(const Settings& settings);
  // Whether a text may be read differently now.
  bool shapes_parsing() const;
};

// By a text that has these effects. Nothing: it sets something that it does not name plainly.
std::optional<Touched> touched_by(const sql::Effects& effects, std::optional<std::string_view> text,
                                  const Settings& settings);

// Whether it may take back what another text has set.
bool takes_settings_back(const sql::Effects& effects);

class Inquiry {
 public:
  explicit Inquiry(Touched touched) : touched_(std::move(touched)) {}

  const Touched& touched() const { return touched_; }
  std::string sql() const;

  // A row of the answer, without its header.
  void take_row(Bytes row);
  // It was refused, or said more than can be kept.
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }
  // The session's settings as they stand; `believed` tells those that are reported.
  SettingsRef answer(const Settings& believed) const;

 private:
  Touched touched_;
  std::vector<Settings::Entry> found_;
  std::size_t found_bytes_ = 0;
  bool failed_ = false;
};

}  // namespace tidegate::postgres
