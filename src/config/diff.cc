#include "config/diff.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/settings.h"

namespace tidegate::config {
namespace {

using Changes = std::vector<Change>;

template <typename Owner>
void compare(const Table<Owner>& table, const Owner& before, const Owner& after,
             const std::string& prefix, Changes& changes) {
  for (const auto& setting : table) {
    // The truth is compared, also where only "***" may be shown.
    if (setting.print(before) == setting.print(after)) continue;
    changes.push_back({.what = prefix + std::string(setting.name),
                       .before = setting.shown(before),
                       .after = setting.shown(after),
                       .needs_restart = setting.needs_restart});
  }
}

// Things that have names: those that stay are compared, the others come or go.
template <typename Owner>
class NamedDiff {
 public:
  NamedDiff(std::string_view kind, std::string Owner::* name, std::vector<Table<Owner>> tables)
      : kind_(kind), name_(name), tables_(std::move(tables)) {}

  void run(const std::vector<Owner>& before, const std::vector<Owner>& after, Changes& changes) {
    for (const auto& old : before) {
      const auto what = fmt::format("{}.{}", kind_, old.*name_);
      const auto* kept = find(after, old.*name_);
      if (kept == nullptr) {
        changes.push_back({.what = what, .before = "present", .after = ""});
        continue;
      }
      for (const auto& table : tables_) compare(table, old, *kept, what + ".", changes);
    }
    for (const auto& fresh : after) {
      if (find(before, fresh.*name_) != nullptr) continue;
      changes.push_back(
          {.what = fmt::format("{}.{}", kind_, fresh.*name_), .before = "", .after = "present"});
    }
  }

 private:
  const Owner* find(const std::vector<Owner>& owners, const std::string& name) const {
    const auto found = std::find_if(owners.begin(), owners.end(),
                                    [&](const Owner& owner) { return owner.*name_ == name; });
    return found == owners.end() ? nullptr : &*found;
  }

  std::string_view kind_;
  std::string Owner::* name_;
  std::vector<Table<Owner>> tables_;
};

}  // namespace

std::vector<Change> diff(const Config& running, const Config& wanted) {
  Changes changes;
  for (const auto& section : global_sections()) {
    compare(section.table, running, wanted, section.full_name(""), changes);
  }
  NamedDiff<Upstream>("upstream", &Upstream::name, {upstream_settings()})
      .run(running.upstreams, wanted.upstreams, changes);
  NamedDiff<Route>("route", &Route::database, {route_settings(), pool_settings()})
      .run(running.routes, wanted.routes, changes);
  NamedDiff<User>("user", &User::name, {user_settings()}).run(running.users, wanted.users, changes);
  return changes;
}

}  // namespace tidegate::config
