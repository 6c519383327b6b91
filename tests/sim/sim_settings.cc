#include "sim/sim_settings.h"

#include <strings.h>

#include <algorithm>

namespace tidegate::sim {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::string> one_of(
    std::string_view value, std::initializer_list<std::pair<const char*, const char*>> known) {
  for (const auto& [given, shown] : known) {
    if (same_name(given, value)) return shown;
  }
  return std::nullopt;
}

}  // namespace

SimSettings::SimSettings() {
  for (std::size_t i = 0; i < kSettings.size(); ++i) defaults_[i] = kSettings[i].fallback;
  values_ = session_ = before_ = defaults_;
}

std::optional<std::size_t> SimSettings::index_of(std::string_view name) {
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    if (same_name(kSettings[i].name, name)) return i;
  }
  return std::nullopt;
}

std::optional<std::string> SimSettings::canonical(std::string_view name, std::string_view value) {
  if (same_name(name, "client_encoding")) {
    return one_of(value, {{"utf8", "UTF8"}, {"utf-8", "UTF8"}, {"latin1", "LATIN1"}});
  }
  if (same_name(name, "DateStyle")) {
    return one_of(value, {{"iso", "ISO, MDY"},
                          {"ISO, MDY", "ISO, MDY"},
                          {"german", "German, DMY"},
                          {"German, DMY", "German, DMY"},
                          {"ISO, DMY", "ISO, DMY"}});
  }
  if (same_name(name, "IntervalStyle")) {
    return one_of(value, {{"postgres", "postgres"}, {"iso_8601", "iso_8601"}});
  }
  if (same_name(name, "standard_conforming_strings")) {
    return one_of(value, {{"on", "on"}, {"off", "off"}, {"true", "on"}, {"false", "off"}});
  }
  if (same_name(name, "TimeZone")) {
    if (value == "Nowhere/Land") return std::nullopt;
    return std::string(value);
  }
  return std::string(value);
}

bool SimSettings::set_default(std::string_view name, std::string_view value) {
  const auto index = index_of(name);
  const auto spelled = canonical(name, value);
  if (!index || !spelled) return false;
  defaults_[*index] = values_[*index] = session_[*index] = before_[*index] = *spelled;
  return true;
}

bool SimSettings::set(std::string_view name, std::string_view value, bool local) {
  const auto index = index_of(name);
  const auto spelled = canonical(name, value);
  if (!index || !spelled) return false;
  values_[*index] = *spelled;
  if (!local) session_[*index] = *spelled;
  return true;
}

bool SimSettings::reset(std::string_view name) {
  const auto index = index_of(name);
  if (!index) return false;
  values_[*index] = session_[*index] = defaults_[*index];
  return true;
}

void SimSettings::reset_all() {
  values_ = session_ = defaults_;
}

std::string SimSettings::text() const {
  std::string text;
  for (const auto& value : values_) text += value + ';';
  return text;
}

}  // namespace tidegate::sim
