// What no report tells of a session, once a transaction is over that may have changed it: the
// values of its other settings, what it prepared in SQL, and whether it holds something that ties
// it to its server. The text of a SET or a LOCK does not say what became of it (it was rolled back,
// its value was brought to another spelling, a function did it), so the server is asked, and what
// it says is what the session has from then on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "postgres/settings.h"
#include "sql/effects.h"

namespace tidegate::postgres {

// What may be otherwise than before.
struct Touched {
  // Beyond this the session is tied to its server.
  static constexpr std::size_t kNamesMax = 100;

  std::vector<std::string> names;  // of settings, each once
  bool others = false;             // settings that are not named
  bool prepared = false;           // statements of SQL
  bool holds = false;              // locks, temporary objects, cursors

  bool none() const { return names.empty() && !others && !prepared && !holds; }
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

// Whether a PREPARE can be repeated on another server as it stands: it is alone, does nothing else,
// and reads the same in every encoding.
bool is_repeatable_prepare(const sql::Effects& effects, std::string_view text);

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
  // The session's settings as they stand; `believed` tells those that are reported, and
  // `login_user` who the server logged in as.
  SettingsRef answer(const Settings& believed, std::string_view login_user) const;
  // What the session holds that ties it to the server; empty: nothing of what was asked for.
  const std::string& held() const { return held_; }
  // One of its statements cannot be prepared elsewhere.
  bool holds_statement() const { return holds_statement_; }

 private:
  void take_setting(std::string_view name, std::string value);
  void take_statement(std::string_view name, std::string_view text);

  Touched touched_;
  std::vector<Settings::Entry> found_;
  std::vector<Settings::Prepared> prepared_;
  std::string held_;
  std::size_t found_bytes_ = 0;
  bool holds_statement_ = false;
  bool failed_ = false;
};

}  // namespace tidegate::postgres
