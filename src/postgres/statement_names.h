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
  struct Meaning {
    StatementRef statement;
    RowShape rows = RowShape::unknown;  // as the client was told
  };
  StatementRef find(std::string_view name) const;
  const Meaning* meaning(std::string_view name) const;
  // Of that statement, unless the name means another one by now.
  void set_rows(std::string_view name, const StatementRef& statement, RowShape rows);
  void set(std::string_view name, StatementRef statement);
  // Gives what the name meant; null when it meant nothing.
  StatementRef erase(std::string_view name);
  void clear();
  std::size_t size() const { return entries_.size(); }
  // Of the texts that they mean, shared or not.
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string name;
    Meaning meaning;
  };
  std::vector<Entry>::const_iterator place(std::string_view name) const;
  std::vector<Entry> entries_;  // sorted by name
  std::size_t bytes_ = 0;
};

}  // namespace tidegate::postgres
