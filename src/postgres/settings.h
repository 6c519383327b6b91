// The settings of a session, as a value: name and canonical text, sorted by name. Sessions with
// the same settings share one object, so that "does this server fit?" is a comparison of pointers
// most of the time, and an idle client carries one pointer. Immutable once made.
//
// Two kinds of names live in it. *Reported* ones (PostgreSQL sends a ParameterStatus whenever they
// change) are always all there, in the server's own spelling. *Custom* ones are there when the
// client has set them, at startup or later, and hold the text that the server gave for them; the
// role that a session took is one of these. Beside them stands what a session prepared in SQL, for
// it follows the session in the same way.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hold.h"
#include "sql/postgres_scanner.h"

namespace tidegate::postgres {

// The parameters that PostgreSQL reports and that a session can change. Others that it reports
// (server_version, in_hot_standby, is_superuser, ...) belong to the server and are only passed on.
bool is_replayable_report(std::string_view name);
// One of the others: "on" for as long as the database is a standby.
inline constexpr std::string_view kStandbyFact = "in_hot_standby";
// Settings that shape how a statement's text is read at Parse (literals are folded then): a cached
// statement is the same only under the same values of these. One table, one test per entry.
bool shapes_parsing(std::string_view name);
// Whether a text may name one of them that PostgreSQL does not report, so that setting it is seen
// in the text only.
bool mentions_unreported_shaping(std::string_view text);
// Whether a text may name one of those that decide where in a text a string ends.
bool mentions_text_rules(std::string_view text);
// The names that calls of set_config in a text have for their settings; nothing when one of them
// has anything but a plain literal there.
std::optional<std::vector<std::string_view>> names_configured(std::string_view text);
// Whether a value that a server has given for it is taken by every other, whoever the role is: its
// type alone decides, and neither a catalog nor a permission.
bool cannot_fail(std::string_view name);
// Lists of quoted names: SET would read a quoted list as one name.
bool is_list_of_names(std::string_view name);
// Names of settings are compared as PostgreSQL does, without regard to ASCII case.
bool same_setting(std::string_view a, std::string_view b);
// Whether it says who the session is: what that one may set is decided by it, and no list of
// settings shows it.
inline constexpr std::array<std::string_view, 2> kIdentity = {"session_authorization", "role"};
bool is_identity(std::string_view name);

class Settings;
using SettingsRef = std::shared_ptr<const Settings>;

class Settings {
 public:
  struct Entry {
    std::string name;
    std::string value;
    bool custom = false;  // not reported: known only because a client asked for it
    bool operator==(const Entry&) const = default;
  };
  // PREPARE name AS ..., as the client wrote it.
  struct Prepared {
    std::string name;
    std::string text;
    std::uint64_t shape = 0;  // of the settings under which it was read; 0: any
    bool operator==(const Prepared&) const = default;
  };

  // Both in any order; later entries win.
  static SettingsRef make(std::vector<Entry> entries, std::vector<Prepared> prepared = {});
  static const SettingsRef& empty();

  SettingsRef with(std::string_view name, std::string_view value, bool custom = false) const;
  SettingsRef with_all(const Settings& other) const;
  SettingsRef without(std::string_view name) const;
  // Nothing that a session has set or prepared and that no report tells of.
  SettingsRef without_custom() const;
  SettingsRef with_prepared(std::vector<Prepared> prepared) const;
  SettingsRef without_prepared(std::string_view name) const;
  // The same custom names, with values that nobody can want.
  SettingsRef with_custom_unknown() const;
  const std::string* find(std::string_view name) const;
  // Whether the server reports it, so that changes of it are noticed.
  bool reports(std::string_view name) const;
  bool has_custom() const;
  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Prepared>& prepared() const { return prepared_; }
  bool has_prepared(std::string_view name) const;
  // One of them would be read otherwise now.
  bool prepared_apart() const { return prepared_apart_; }

  FitTag tag() const { return tag_; }                        // digest of all entries, never 0
  std::uint64_t shape() const { return shape_; }             // digest of those that shape parsing
  sql::TextRules text_rules() const { return text_rules_; }  // how the scanner reads a text
  bool operator==(const Settings& other) const {
    return tag_ == other.tag_ && entries_ == other.entries_ && prepared_ == other.prepared_;
  }

 private:
  const Entry* entry(std::string_view name) const;

  std::vector<Entry> entries_;      // sorted by name
  std::vector<Prepared> prepared_;  // sorted by name
  FitTag tag_ = 0;
  std::uint64_t shape_ = 0;
  bool prepared_apart_ = false;
  sql::TextRules text_rules_;
};

// Same values? Then both become one object, always the one at the lower address: however many
// equal ones there are, they grow into one as they meet, and from then on pointers tell.
inline bool unified(SettingsRef& a, SettingsRef& b) {
  if (a == b) return true;
  if (*a != *b) return false;
  (std::less<>{}(a.get(), b.get()) ? b : a) = std::less<>{}(a.get(), b.get()) ? a : b;
  return true;
}

// Of what a server reports: what a session can change, and the facts, which are the server's own.
SettingsRef settings_in(const std::vector<std::pair<std::string, std::string>>& reported);
SettingsRef facts_in(const std::vector<std::pair<std::string, std::string>>& reported);

// The query that makes a server read texts as under `want`, for the length of a transaction; empty
// when `have` comes to the same. Custom ones are left out: a session cannot change them unseen.
std::string reading_command(const Settings& have, const Settings& want);

// "a"."b": a custom name may have a class.
std::string quote_setting(std::string_view name);

// set_config('name', 'value', false): reads the value as a startup packet does, so that a list
// such as search_path stays a list.
std::string set_config_call(std::string_view name, std::string_view value);

// SET [scope]name TO 'value'; the value is read as by set_config, lists included.
std::string set_command(std::string_view scope, std::string_view name, std::string_view value);

// 'it''s' with standard_conforming_strings in either position (backslashes use E''). Bytes beyond
// ASCII are escaped, for they are meant in the database's encoding, as in a startup packet, and the
// command is read in whatever encoding the server has at that moment.
std::string quote_literal(std::string_view text);
std::string quote_identifier(std::string_view text);

}  // namespace tidegate::postgres
