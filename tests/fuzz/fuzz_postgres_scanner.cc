// Any text, pushed in any pieces, has the effects of the same text in one piece. The first byte
// chooses how literals are read, the second one seeds the cuts.
#include <cstdlib>
#include <random>

#include "sql/postgres_scanner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tidegate::sql::PostgresScanner;
  if (size < 2) return 0;
  const bool standard_strings = (data[0] & 1) != 0;
  std::minstd_rand random(data[1]);
  tidegate::Bytes rest{data + 2, size - 2};
  const auto whole = PostgresScanner::scan(rest, {standard_strings});

  PostgresScanner scanner;
  scanner.begin({standard_strings});
  while (!rest.empty()) {
    const auto piece = rest.first(random() % std::min<std::size_t>(rest.size() + 1, 40));
    scanner.push(piece);
    rest = rest.subspan(piece.size());
  }
  if (!(scanner.finish() == whole)) std::abort();
  if (whole.names.size() > tidegate::sql::Effects::kNamesMax) std::abort();
  return 0;
}
