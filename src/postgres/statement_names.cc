#include "postgres/statement_names.h"

#include <algorithm>

namespace tidegate::postgres {

std::vector<StatementNames::Entry>::const_iterator StatementNames::place(
    std::string_view name) const {
  return std::lower_bound(entries_.begin(), entries_.end(), name,
                          [](const Entry& entry, std::string_view n) { return entry.name < n; });
}

StatementRef StatementNames::find(std::string_view name) const {
  name = stored_name(name);
  const auto at = place(name);
  return at != entries_.end() && at->name == name ? at->statement : nullptr;
}

void StatementNames::set(std::string_view name, StatementRef statement) {
  name = stored_name(name);
  const auto at = place(name);
  if (at != entries_.end() && at->name == name) {
    entries_[static_cast<std::size_t>(at - entries_.begin())].statement = std::move(statement);
  } else {
    entries_.insert(at, Entry{std::string(name), std::move(statement)});
  }
}

StatementRef StatementNames::erase(std::string_view name) {
  name = stored_name(name);
  const auto at = place(name);
  if (at == entries_.end() || at->name != name) return nullptr;
  auto statement = at->statement;
  entries_.erase(at);
  if (entries_.empty()) clear();
  return statement;
}

}  // namespace tidegate::postgres
