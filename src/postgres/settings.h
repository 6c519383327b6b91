// The settings of a session, as a value: name and canonical text, sorted by name. Sessions with
// the same settings share one object, so that "does this server fit?" is a comparison of pointers
// most of the time, and an idle client carries one pointer. Immutable once made.
//
// Two kinds of names live in it. *Reported* ones (PostgreSQL sends a ParameterStatus whenever they
// change) are always all there, in the server's own spelling. *Custom* ones were given by the
// client at startup and hold the text that the server accepted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hold.h"

namespace tidegate::postgres {

// The parameters that PostgreSQL reports and that a session can change. Others that it reports
// (server_version, in_hot_standby, is_superuser, ...) belong to the server and are only passed on.
bool is_replayable_report(std::string_view name);
// Settings that shape how a statement's text is read at Parse (literals are folded then): a cached
// statement is the same only under the same values of these. One table, one test per entry.
bool shapes_parsing(std::string_view name);

class Settings;
using SettingsRef = std::shared_ptr<const Settings>;

class Settings {
 public:
  using Entry = std::pair<std::string, std::string>;

  // `entries` in any order; later ones win.
  static SettingsRef make(std::vector<Entry> entries);
  static const SettingsRef& empty();

  SettingsRef with(std::string_view name, std::string_view value) const;
  SettingsRef without(std::string_view name) const;
  const std::string* find(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

  FitTag tag() const { return tag_; }              // digest of all entries, never 0
  std::uint64_t shape() const { return shape_; }   // digest of those that shape parsing
  bool operator==(const Settings& other) const { return entries_ == other.entries_; }

 private:
  std::vector<Entry> entries_;
  FitTag tag_ = 0;
  std::uint64_t shape_ = 0;
};

// Same values? Pointers first.
inline bool same(const SettingsRef& a, const SettingsRef& b) { return a == b || *a == *b; }

// The commands that turn a server that has `have` into one that has `want`: SET for what differs,
// RESET for custom names that `want` lacks. Empty when there is nothing to do. One simple query.
// `needs_reply`: something in it can fail (custom names), so its reply must be awaited.
struct Replay {
  std::string sql;
  bool needs_reply = false;
};
Replay replay(const Settings& have, const Settings& want);

// 'it''s' with standard_conforming_strings in either position (backslashes use E'').
std::string quote_literal(std::string_view text);
std::string quote_identifier(std::string_view text);

}  // namespace tidegate::postgres
