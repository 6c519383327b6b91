// A session's own names for its prepared statements. Most sessions have none or one, some have
// thousands: a sorted vector serves both and costs nothing while it is empty.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "postgres/statements.h"

namespace tidegate::postgres {

// PostgreSQL keeps 63 bytes of a name (NAMEDATALEN); longer ones that agree so far are the same.
inline constexpr std::size_t kNameBytesMax = 63;
inline std::string_view stored_name(std::string_view name) {
  return name.substr(0, kNameBytesMax);
}

class StatementNames {
 public:
  StatementRef find(std::string_view name) const;
  void set(std::string_view name, StatementRef statement);
  // Gives what the name meant; null when it meant nothing.
  StatementRef erase(std::string_view name);
  void clear() { std::vector<Entry>().swap(entries_); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    StatementRef statement;
  };
  std::vector<Entry>::const_iterator place(std::string_view name) const;
  std::vector<Entry> entries_;  // sorted by name
};

}  // namespace tidegate::postgres
