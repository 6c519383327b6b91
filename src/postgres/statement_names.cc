#include "postgres/statement_names.h"

#include <algorithm>

namespace tidegate::postgres {

std::vector<StatementNames::Entry>::const_iterator StatementNames::place(
    std::string_view name) const {
  return std::lower_bound(entries_.begin(), entries_.end(), name,
                          [](const Entry& entry, std::string_view n) { return entry.name < n; });
}

const StatementNames::Meaning* StatementNames::meaning(std::string_view name) const {
  name = stored_name(name);
  const auto at = place(name);
  return at != entries_.end() && at->name == name ? &at->meaning : nullptr;
}

StatementRef StatementNames::find(std::string_view name) const {
  const auto* known = meaning(name);
  return known == nullptr ? nullptr : known->statement;
}

void StatementNames::set_rows(std::string_view name, const StatementRef& statement, RowShape rows) {
  const auto at = place(stored_name(name));
  if (meaning(name) == nullptr || at->meaning.statement != statement) return;
  entries_[static_cast<std::size_t>(at - entries_.begin())].meaning.rows = rows;
}

void StatementNames::set(std::string_view name, StatementRef statement) {
  name = stored_name(name);
  const auto at = place(name);
  bytes_ += statement->text_and_types.size();
  if (at != entries_.end() && at->name == name) {
    auto& entry = entries_[static_cast<std::size_t>(at - entries_.begin())];
    bytes_ -= entry.meaning.statement->text_and_types.size();
    entry.meaning = {std::move(statement)};
  } else {
    entries_.insert(at, Entry{std::string(name), {std::move(statement)}});
  }
}

StatementRef StatementNames::erase(std::string_view name) {
  name = stored_name(name);
  const auto at = place(name);
  if (at == entries_.end() || at->name != name) return nullptr;
  auto statement = at->meaning.statement;
  bytes_ -= statement->text_and_types.size();
  entries_.erase(at);
  if (entries_.empty()) clear();
  return statement;
}

void StatementNames::clear() {
  std::vector<Entry>().swap(entries_);
  bytes_ = 0;
}

}  // namespace tidegate::postgres
