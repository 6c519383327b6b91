#include <benchmark/benchmark.h>

#include "sql/postgres_scanner.h"

namespace tidegate::sql {
namespace {

void scan(benchmark::State& state, std::string_view text) {
  for (auto _ : state) benchmark::DoNotOptimize(PostgresScanner::scan(as_bytes(text)));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void scan_begin(benchmark::State& state) {
  scan(state, "BEGIN");
}
void scan_select(benchmark::State& state) {
  scan(state, "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;");
}
void scan_update(benchmark::State& state) {
  scan(state, "UPDATE pgbench_accounts SET abalance = abalance + -1405 WHERE aid = 81823;");
}
void scan_set(benchmark::State& state) {
  scan(state, "SET search_path = app, public");
}
void scan_joins(benchmark::State& state) {
  scan(state,
       "SELECT o.id, o.total, c.name, count(*) AS lines FROM orders o JOIN customers c ON c.id = "
       "o.customer_id LEFT JOIN lines l ON l.order_id = o.id WHERE o.created_at >= now() - "
       "interval '7 days' AND c.country IN ('DE', 'FR', 'IT') GROUP BY 1, 2, 3 ORDER BY 2 DESC");
}
void scan_bulk_insert(benchmark::State& state) {
  std::string text = "INSERT INTO points (id, name, x, y) VALUES ";
  for (int i = 0; i < 10'000; ++i) text += "(" + std::to_string(i) + ", 'a name', 1.5, -2.25), ";
  scan(state, text);
}
void scan_long_string(benchmark::State& state) {
  scan(state, "INSERT INTO blobs VALUES ('" + std::string(1 << 20, 'x') + "')");
}
void scan_long_escape_string(benchmark::State& state) {
  scan(state, "INSERT INTO blobs VALUES (E'" + std::string(1 << 20, 'x') + "')");
}

BENCHMARK(scan_begin);
BENCHMARK(scan_select);
BENCHMARK(scan_update);
BENCHMARK(scan_set);
BENCHMARK(scan_joins);
BENCHMARK(scan_bulk_insert);
BENCHMARK(scan_long_string);
BENCHMARK(scan_long_escape_string);

}  // namespace
}  // namespace tidegate::sql
