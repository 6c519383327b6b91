// Statements that Tidegate put between those of a client's query. Their replies are dropped, and
// where PostgreSQL points into the text, it is made to point into the client's own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "postgres/restorations.h"
#include "sql/postgres_scanner.h"

namespace tidegate::postgres {

class Insertions {
 public:
  // Gives `text` with the commands of each restoration behind its statement. `utf8`: how the
  // letters of the text are counted.
  std::string insert(std::string_view text, sql::TextRules rules, bool utf8,
                     const std::vector<Restoration>& restorations);

  // Whether the statement that runs now is one of ours.
  bool runs() const;
  // Every statement of a query ends in one CommandComplete.
  void statement_completed() { ++completed_; }
  // Error positions count letters, from 1.
  std::size_t original_position(std::size_t position) const;

 private:
  struct Inserted {
    int first;                   // of the query as it was sent, from 0
    int count;                   // of statements
    std::size_t letters_before;  // of the query as it was sent
    std::size_t letters;
  };
  std::vector<Inserted> all_;
  int completed_ = 0;
};

// Appends the ErrorResponse or NoticeResponse with its position put right; false when it has none,
// or is not whole.
bool write_repositioned(ByteBuffer& out, char type, Bytes body, const Insertions& insertions);

}  // namespace tidegate::postgres
