#include "postgres/route_snapshot.h"

#include <algorithm>
#include <utility>

#include "postgres/statement_names.h"

namespace tidegate::postgres {
namespace {

constexpr std::size_t kAcceptedMax = 64;

// PostgreSQL replaces what is not printable ASCII, and how depends on its version.
bool is_plain_application_name(const std::pair<std::string, std::string>& parameter) {
  const auto& [name, value] = parameter;
  return name == "application_name" && value.size() <= kNameBytesMax &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= 32 && c <= 126; });
}

}  // namespace

RouteSnapshot::RouteSnapshot(Parameters reported)
    : reported_(std::move(reported)),
      defaults_(settings_in(reported_)),
      facts_(facts_in(reported_)) {}

bool RouteSnapshot::of_standby() const {
  const auto* standby = facts_->find(kStandbyFact);
  return standby != nullptr && *standby == "on";
}

RouteSnapshotRef RouteSnapshot::with_facts(const Settings& facts) const {
  auto next = std::make_shared<RouteSnapshot>(*this);
  for (auto& [name, value] : next->reported_) {
    if (const auto* now = facts.find(name)) value = *now;
  }
  next->facts_ = facts_in(next->reported_);
  return next;
}

Parameters RouteSnapshot::unknown(const Parameters& asked) const {
  Parameters unknown;
  for (const auto& parameter : asked) {
    const auto* usual = defaults_->find(parameter.first);
    const bool is_default = usual != nullptr && *usual == parameter.second;
    if (!is_default && !is_plain_application_name(parameter)) unknown.push_back(parameter);
  }
  return unknown;
}

SettingsRef RouteSnapshot::known(const Parameters& asked) const {
  const auto open = unknown(asked);
  SettingsRef answer = Settings::empty();
  if (!open.empty()) {
    const auto at = std::find_if(accepted_.begin(), accepted_.end(),
                                 [&](const Accepted& each) { return each.asked == open; });
    if (at == accepted_.end()) return nullptr;
    answer = at->answer;
  }
  for (const auto& parameter : asked) {
    if (std::find(open.begin(), open.end(), parameter) != open.end()) continue;
    answer = answer->with(parameter.first, parameter.second);
  }
  return answer;
}

RouteSnapshotRef RouteSnapshot::with(const Parameters& asked, SettingsRef answer) const {
  auto next = std::make_shared<RouteSnapshot>(*this);
  if (next->accepted_.size() >= kAcceptedMax) next->accepted_.erase(next->accepted_.begin());
  next->accepted_.push_back({unknown(asked), std::move(answer)});
  return next;
}

}  // namespace tidegate::postgres
