#include "postgres/inquiry.h"

#include <algorithm>

#include "postgres/hexadecimal.h"

namespace tidegate::postgres {
namespace {

using sql::Effect;

// Of what one session has set. More is not carried from server to server.
constexpr std::size_t kFoundBytesMax = 64 * 1024;

// Whoever sets these is tied to its server.
bool is_role(std::string_view name) {
  return same_setting(name, "role") || same_setting(name, "session_authorization");
}

}  // namespace

void Touched::add(std::string_view name) {
  const auto is_it = [name](const auto& each) { return same_setting(each, name); };
  if (std::ranges::none_of(names, is_it)) names.emplace_back(name);
}

void Touched::add(const Touched& more) {
  for (const auto& name : more.names) add(name);
  others |= more.others;
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
  if (effects.has(Effect::reset_all) || effects.has(Effect::discard_all) || hidden) {
    touched.add_custom(settings);
  }
  touched.others = hidden;
  if (!effects.has(Effect::set_config) && !hidden) return touched;
  const auto configured = text ? names_configured(*text) : std::nullopt;
  if (!configured && effects.has(Effect::set_config)) return std::nullopt;
  for (const auto& name : configured.value_or(std::vector<std::string_view>{})) {
    if (is_role(name)) return std::nullopt;
    if (!settings.reports(name)) touched.add(name);
  }
  // It updates pg_settings, where all the names are that PostgreSQL knows by itself.
  if (configured && configured->empty()) touched.others = true;
  return touched;
}

bool takes_settings_back(const sql::Effects& effects) {
  return effects.has(Effect::reset_parameter) || effects.has(Effect::reset_all) ||
         effects.has(Effect::discard_all);
}

// Names are qualified, for the session's search_path may hold others. Settings that pg_settings
// does not list are custom ones, whose names nobody but their user knows. Values come in
// hexadecimal: they are kept in the database's encoding, and rows come in the client's.
std::string Inquiry::sql() const {
  std::string names;
  for (const auto& name : touched_.names) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), sql::ascii_lower);
    names += (names.empty() ? "(" : ", (") + quote_literal(lower) + ")";
  }
  if (names.empty()) names = "(NULL::pg_catalog.text)";
  const auto* join = touched_.others ? "FULL" : "LEFT";
  return "SELECT n.name, pg_catalog.encode(pg_catalog.convert_to("
         "pg_catalog.current_setting(n.name, true), pg_catalog.getdatabaseencoding()), 'hex') "
         "FROM (SELECT COALESCE(s.name, a.name) AS name, s.source FROM (VALUES " +
         names + ") AS a (name) " + join +
         " JOIN pg_catalog.pg_settings AS s "
         "ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) a.name) AS n "
         "WHERE n.name IS NOT NULL "
         "AND (n.source IS NULL OR n.source OPERATOR(pg_catalog.=) 'session')";
}

void Inquiry::take_row(Bytes row) {
  ByteReader reader(row);
  const auto columns = reader.be16();
  const auto name = as_text(reader.bytes(reader.be32()));
  const auto length = reader.be32();
  if (length == 0xffffffff) return;  // nobody knows it: the SET failed
  const auto value = from_hexadecimal(as_text(reader.bytes(length)));
  found_bytes_ += name.size() + value.size();
  if (columns != 2 || !reader.ok() || found_bytes_ > kFoundBytesMax) return fail();
  found_.push_back({std::string(name), value, true});
}

SettingsRef Inquiry::answer(const Settings& believed) const {
  std::vector<Settings::Entry> entries;
  const auto asked = [this](const auto& entry) {
    return std::ranges::any_of(touched_.names,
                               [&](const auto& name) { return same_setting(name, entry.name); });
  };
  for (const auto& entry : believed.entries()) {
    if (!entry.custom || !asked(entry)) entries.push_back(entry);
  }
  for (const auto& entry : found_) {
    if (!believed.reports(entry.name)) entries.push_back(entry);
  }
  return Settings::make(std::move(entries));
}

}  // namespace tidegate::postgres
