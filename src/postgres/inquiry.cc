#include "postgres/inquiry.h"

#include <algorithm>
#include <initializer_list>

#include "postgres/hexadecimal.h"
#include "sql/postgres_scanner.h"

namespace tidegate::postgres {
namespace {

using sql::Effect;

// Of what one session has set. More is not carried from server to server.
constexpr std::size_t kFoundBytesMax = 64 * 1024;

void add_identity(Touched& touched) {
  for (const auto name : kIdentity) touched.add(name);
}

bool has_any(const sql::Effects& effects, std::initializer_list<Effect> some) {
  return std::ranges::any_of(some, [&](Effect each) { return effects.has(each); });
}

// Locks, temporary tables and cursors, whether they come or go.
bool may_hold(const sql::Effects& effects) {
  return has_any(effects, {Effect::temp_object, Effect::advisory_lock, Effect::cursor_with_hold,
                           Effect::opaque});
}

bool changes_prepared(const sql::Effects& effects, const Settings& settings) {
  if (has_any(effects, {Effect::sql_prepare, Effect::opaque})) return true;
  return !settings.prepared().empty() &&
         has_any(effects,
                 {Effect::sql_deallocate, Effect::sql_deallocate_all, Effect::discard_all});
}

// Settings in name, but of one transaction each. A plain SET of one leaves its mark on the server
// for good (its source is "session" from then on, whatever its value); to set it again could only
// fail.
bool is_of_a_transaction(std::string_view name) {
  return same_setting(name, "transaction_isolation") ||
         same_setting(name, "transaction_read_only") ||
         same_setting(name, "transaction_deferrable");
}

}  // namespace

void Touched::add(std::string_view name) {
  const auto is_it = [name](const auto& each) { return same_setting(each, name); };
  if (std::ranges::none_of(names, is_it)) names.emplace_back(name);
}

void Touched::add(const Touched& more) {
  for (const auto& name : more.names) add(name);
  others |= more.others;
  prepared |= more.prepared;
  holds |= more.holds;
}

void Touched::add_custom(const Settings& settings) {
  for (const auto& entry : settings.entries()) {
    if (entry.custom) add(entry.name);
  }
}

bool Touched::shapes_parsing() const {
  return others || std::ranges::any_of(
                       names, [](const auto& name) { return postgres::shapes_parsing(name); });
}

std::optional<Touched> touched_by(const sql::Effects& effects, std::optional<std::string_view> text,
                                  const Settings& settings) {
  Touched touched;
  for (const auto& [effect, name, statement] : effects.names) {
    const bool sets = effect == Effect::set_parameter && !settings.reports(name);
    const bool resets = effect == Effect::reset_parameter && settings.find(name) != nullptr;
    if (sets || (resets && !settings.reports(name))) touched.add(name);
  }
  const bool hidden = effects.has(Effect::opaque);
  if (effects.has(Effect::set_role) || hidden) add_identity(touched);
  if (effects.has(Effect::reset_all) || effects.has(Effect::discard_all) || hidden) {
    touched.add_custom(settings);
  }
  touched.others = hidden;
  touched.holds = may_hold(effects);
  touched.prepared = changes_prepared(effects, settings);
  if (!effects.has(Effect::set_config) && !hidden) return touched;
  const auto configured = text ? names_configured(*text) : std::nullopt;
  if (!configured && effects.has(Effect::set_config)) return std::nullopt;
  for (const auto& name : configured.value_or(std::vector<std::string_view>{})) {
    if (is_identity(name)) add_identity(touched);  // who is another has another role
    if (!settings.reports(name)) touched.add(name);
  }
  // It updates pg_settings, where all the names are that PostgreSQL knows by itself.
  if (configured && configured->empty()) touched.others = true;
  return touched;
}

bool takes_settings_back(const sql::Effects& effects) {
  return has_any(effects, {Effect::reset_parameter, Effect::reset_all, Effect::discard_all,
                           Effect::sql_deallocate, Effect::sql_deallocate_all});
}

// A backslash may be read in another way by then, and letters beyond ASCII in another encoding.
bool is_repeatable_prepare(const sql::Effects& effects, std::string_view text) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\\'; };
  return effects.statements == 1 && effects.has(Effect::sql_prepare) &&
         !effects.has_other_than(Effect::sql_prepare) &&
         std::ranges::all_of(text.substr(0, text.find('\0')), is_plain);
}

namespace {

// Names are qualified, for the session's search_path may hold others. Settings that pg_settings
// does not list are custom ones, whose names nobody but their user knows, or say who the session
// is. Values come in hexadecimal: they are kept in the database's encoding, and rows come in the
// client's.
std::string ask_settings(const Touched& touched) {
  std::string names;
  for (const auto& name : touched.names) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), sql::ascii_lower);
    names += (names.empty() ? "(" : ", (") + quote_literal(lower) + ")";
  }
  if (names.empty()) names = "(NULL::pg_catalog.text)";
  const auto* join = touched.others ? "FULL" : "LEFT";
  return "SELECT 'setting', n.name, pg_catalog.encode(pg_catalog.convert_to("
         "pg_catalog.current_setting(n.name, true), pg_catalog.getdatabaseencoding()), 'hex') "
         "FROM (SELECT COALESCE(s.name, a.name) AS name, s.source FROM (VALUES " +
         names + ") AS a (name) " + join +
         " JOIN pg_catalog.pg_settings AS s "
         "ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) a.name) AS n "
         "WHERE n.name IS NOT NULL "
         "AND (n.source IS NULL OR n.source OPERATOR(pg_catalog.=) 'session')";
}

constexpr std::string_view kAskPrepared =
    "SELECT 'prepared', p.name, p.statement FROM pg_catalog.pg_prepared_statements AS p "
    "WHERE p.from_sql";

// What lies in a schema depends on it, whatever it is.
constexpr std::string_view kAskHeld =
    "SELECT 'held', 'advisory lock', '' WHERE EXISTS (SELECT FROM pg_catalog.pg_locks AS l "
    "WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() "
    "AND l.locktype OPERATOR(pg_catalog.=) 'advisory') "
    "UNION ALL SELECT 'held', 'temporary table', '' WHERE EXISTS (SELECT FROM pg_catalog.pg_depend "
    "AS d WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass "
    "AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) "
    "UNION ALL SELECT 'held', 'cursor with hold', '' WHERE EXISTS (SELECT FROM "
    "pg_catalog.pg_cursors AS c WHERE c.is_holdable)";

}  // namespace

std::string Inquiry::sql() const {
  std::string sql;
  const auto add = [&](std::string_view part) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += part;
  };
  if (touched_.others || !touched_.names.empty()) add(ask_settings(touched_));
  if (touched_.prepared) add(kAskPrepared);
  if (touched_.holds) add(kAskHeld);
  return sql;
}

void Inquiry::take_row(Bytes row) {
  ByteReader reader(row);
  const auto columns = reader.be16();
  const auto kind = as_text(reader.bytes(reader.be32()));
  const auto name = as_text(reader.bytes(reader.be32()));
  const auto length = reader.be32();
  if (length == 0xffffffff) return;  // nobody knows it: the SET failed
  const auto value = as_text(reader.bytes(length));
  found_bytes_ += name.size() + value.size();
  if (columns != 3 || !reader.ok() || found_bytes_ > kFoundBytesMax) return fail();
  if (kind == "held") {
    held_ = name;
  } else if (kind == "prepared") {
    take_statement(name, value);
  } else {
    take_setting(name, from_hexadecimal(value));
  }
}

void Inquiry::take_setting(std::string_view name, std::string value) {
  const bool is_nobody = name == "role" && value == "none";
  if (is_nobody || is_of_a_transaction(name)) return;
  found_.push_back({std::string(name), std::move(value), true});
}

void Inquiry::take_statement(std::string_view name, std::string_view text) {
  const auto effects = sql::PostgresScanner::scan(as_bytes(text));
  if (is_repeatable_prepare(effects, text)) {
    prepared_.push_back({std::string(name), std::string(text)});
  } else {
    holds_statement_ = true;
  }
}

SettingsRef Inquiry::answer(const Settings& believed, std::string_view login_user) const {
  std::vector<Settings::Entry> entries;
  const auto asked = [this](const auto& entry) {
    return std::ranges::any_of(touched_.names,
                               [&](const auto& name) { return same_setting(name, entry.name); });
  };
  for (const auto& entry : believed.entries()) {
    if (!entry.custom || !asked(entry)) entries.push_back(entry);
  }
  for (const auto& entry : found_) {
    const bool is_itself = entry.name == "session_authorization" && entry.value == login_user;
    if (!is_itself && !believed.reports(entry.name)) entries.push_back(entry);
  }
  const auto values = Settings::make(std::move(entries));
  if (!touched_.prepared) return values->with_prepared(believed.prepared());
  auto prepared = prepared_;
  for (auto& each : prepared) {
    const auto known = std::ranges::find_if(believed.prepared(), [&](const auto& other) {
      return other.name == each.name && other.text == each.text;
    });
    each.shape = known != believed.prepared().end() ? known->shape : values->shape();
  }
  return values->with_prepared(std::move(prepared));
}

}  // namespace tidegate::postgres
