// A setting is described once: its name, the values it accepts, the field it stands for, its name
// in pgbouncer.ini and its sentence in the manual. Files, URLs and the command line are read
// through these descriptions, and SHOW CONFIG, the diff of a reload and docs/settings.md are
// printed from them. A default is what a fresh object holds: it is written in config.h only.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::config {

// What a value looks like in a file, and how it may be shown.
enum class Kind : std::uint8_t {
  integer,
  duration,
  bytes,
  boolean,
  choice,
  text,
  path,    // relative to the folder of the TOML file that names it
  secret,  // never shown
  list,
  url,         // may carry a password: never shown
  parameters,  // a table of names and values
};

// How one type of value is read and written. Errors complete the sentence "`name` ...".
template <typename T>
struct Type {
  Kind kind;
  std::string accepts;  // "an integer from 1 to 10000"
  std::function<std::expected<T, std::string>(std::string_view)> parse;
  std::function<std::string(const T&)> print;
};

// Whether a running process reads its configuration again. It does not yet, so whatever a setting
// says about itself, a restart is what makes a change count.
inline constexpr bool kReloadable = false;

template <typename Owner>
struct Setting {
  std::string_view name;
  Kind kind;
  std::string accepts;
  std::string_view doc;
  std::string_view ini_name;      // in pgbouncer.ini; empty: PgBouncer has no such setting
  std::string_view ini_fallback;  // PgBouncer's own default, where it is not ours
  bool needs_restart = false;     // also where the configuration is read again
  std::function<std::expected<void, std::string>(Owner&, std::string_view)> parse;
  std::function<std::string(const Owner&)> print;  // the truth, secrets included

  Setting& ini(std::string_view ini_setting, std::string_view fallback = {}) {
    ini_name = ini_setting;
    ini_fallback = fallback;
    return *this;
  }
  Setting& restart() {
    needs_restart = true;
    return *this;
  }

  // At run time.
  bool changeable() const { return kReloadable && !needs_restart; }

  // For people: a secret is "***", or empty when there is none.
  std::string shown(const Owner& owner) const {
    const auto text = print(owner);
    const bool hidden = kind == Kind::secret || kind == Kind::url;
    return hidden && !text.empty() ? "***" : text;
  }
};

template <typename Owner>
class Table {
 public:
  // `at` gives the field: at(owner) is a reference to a T.
  template <typename T, typename At>
  Setting<Owner>& add(std::string_view name, Type<T> type, At at, std::string_view doc) {
    Setting<Owner> setting{.name = name, .kind = type.kind, .accepts = type.accepts, .doc = doc};
    setting.parse = [parse = type.parse, at](
                        Owner& owner, std::string_view text) -> std::expected<void, std::string> {
      auto value = parse(text);
      if (!value) return std::unexpected(value.error());
      at(owner) = std::move(*value);
      return {};
    };
    setting.print = [print = type.print, at](const Owner& owner) { return print(at(owner)); };
    return settings_.emplace_back(std::move(setting));
  }
  Setting<Owner>& add(Setting<Owner> setting) { return settings_.emplace_back(std::move(setting)); }

  const Setting<Owner>* find(std::string_view name) const {
    for (const auto& setting : settings_) {
      if (setting.name == name) return &setting;
    }
    return nullptr;
  }
  const Setting<Owner>* find_ini(std::string_view name) const {
    for (const auto& setting : settings_) {
      if (!name.empty() && setting.ini_name == name) return &setting;
    }
    return nullptr;
  }
  void add_names(std::vector<std::string_view>& out) const {
    for (const auto& setting : settings_) out.push_back(setting.name);
  }

  auto begin() const { return settings_.begin(); }
  auto end() const { return settings_.end(); }

 private:
  std::vector<Setting<Owner>> settings_;
};

// The field itself: field(&Config::workers).
template <typename Member>
auto field(Member member) {
  return [member](auto& owner) -> auto& { return owner.*member; };
}

// A field of a part: field(&Route::limits, &RouteLimits::pool_size).
template <typename Part, typename Member>
auto field(Part part, Member member) {
  return [part, member](auto& owner) -> auto& { return owner.*part.*member; };
}

}  // namespace tidegate::config
