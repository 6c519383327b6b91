// What simulated clients do: random transactions over the whole protocol. Each run draws its own
// mix (some runs only ever pipeline, some do nothing but COPY), which finds more than one mix for
// all.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>

#include "net/sim_random.h"
#include "sim/exchange.h"

namespace tidegate::sim {

enum class Habit : std::uint8_t {
  simple,           // one simple query
  effect,           // one simple INSERT
  transaction,      // BEGIN ... COMMIT / ROLLBACK, errors included
  extended,         // Parse, Bind, Describe, Execute, Sync, unnamed
  prepared,         // named statements, reused
  pipeline,         // several Syncs in one write
  flush,            // Flush instead of Sync
  portal,           // a portal read in parts
  batch,            // several statements in one simple query
  setting,          // SET, RESET, SET LOCAL, SHOW
  private_setting,  // SET of something that is not reported
  sql_prepare,      // PREPARE, EXECUTE, DEALLOCATE
  copy_in,
  copy_out,
  big_result,
  big_value,
  sleep,
  odd,        // empty query, lone Sync, unknown names, DISCARD ALL
  forbidden,  // BEGIN where the route's mode forbids it
  count_,
};
inline constexpr std::size_t kHabits = static_cast<std::size_t>(Habit::count_);

inline constexpr std::array<std::string_view, kHabits> kHabitNames = {
    "simple",          "effect",      "transaction", "extended",  "prepared",
    "pipeline",        "flush",       "portal",      "batch",     "setting",
    "private_setting", "sql_prepare", "copy_in",     "copy_out",  "big_result",
    "big_value",       "sleep",       "odd",         "forbidden",
};

using HabitWeights = std::array<std::uint16_t, kHabits>;
using HabitCounts = std::array<std::uint64_t, kHabits>;

HabitWeights draw_habits(net::SimRandom& random);

class Workload {
 public:
  // `transactions`: whether the client may begin one that outlives a statement.
  Workload(int client, net::SimRandom random, const HabitWeights& weights, HabitCounts& counts,
           bool transactions);

  // Appends the exchanges of one more transaction.
  void next(std::deque<Exchange>& out);
  // One INSERT, for a client that leaves right behind it.
  Exchange last_words();
  // Names given on the old one are gone.
  void connection_began();

 private:
  using Maker = void (Workload::*)(std::deque<Exchange>&);

  void simple(std::deque<Exchange>& out);
  void effect(std::deque<Exchange>& out);
  void transaction(std::deque<Exchange>& out);
  void forbidden(std::deque<Exchange>& out);
  void extended(std::deque<Exchange>& out);
  void prepared(std::deque<Exchange>& out);
  void pipeline(std::deque<Exchange>& out);
  void flush(std::deque<Exchange>& out);
  void portal(std::deque<Exchange>& out);
  void batch(std::deque<Exchange>& out);
  void setting(std::deque<Exchange>& out);
  void private_setting(std::deque<Exchange>& out);
  void sql_prepare(std::deque<Exchange>& out);
  void copy_in(std::deque<Exchange>& out);
  void copy_out(std::deque<Exchange>& out);
  void big_result(std::deque<Exchange>& out);
  void big_value(std::deque<Exchange>& out);
  void sleep(std::deque<Exchange>& out);
  void odd(std::deque<Exchange>& out);

  void forget_names();
  std::string tag();
  std::string quoted_tag() { return "'" + tag() + "'"; }
  std::string statement_text();
  std::string setting_text();
  std::string private_setting_text();
  std::string batch_text();
  bool begins_one_in(std::uint64_t n) { return transactions_ && random_.one_in(n); }
  void group(Messages& out, std::string_view sql);
  void prepared_group(Messages& out);

  int client_;
  net::SimRandom random_;
  HabitWeights weights_;
  HabitCounts& counts_;
  bool transactions_;
  std::uint64_t weight_total_ = 0;
  int connection_ = 0;
  long number_ = 0;
  int names_used_ = 0;
  int sql_names_ = 0;
};

}  // namespace tidegate::sim
