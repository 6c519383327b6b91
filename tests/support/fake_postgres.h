// A PostgreSQL that is obvious rather than complete: it owns statements, portals, settings, a
// transaction status and the rule "after an error ignore everything up to Sync", and keeps its
// replies back until a Sync, a Flush or ReadyForQuery, as PostgreSQL does. What it executes is a
// handful of commands. Tests compare what a client sees from it directly with what the client sees
// through the relay.
//
//   select <text>   one row, one column; $1 is the first parameter
//   insert <text>   adds a row to the database when the transaction commits
//   rows            one row: what is committed, and what this transaction added
//   show <name>     the value of a setting
//   begin, commit, rollback, set (or do, for what a text does not show), reset, discard all,
//   deallocate, do deallocate all, set_config(...) copy in, copy out, notice, fail, die, listen,
//   prepare, declare, load, create, retype (from then on older plans of `select` are stale, and its
//   column is described otherwise) and a FunctionCall, which returns 9
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::testing {

// What several servers of one database share.
struct FakeDatabase {
  std::vector<std::string> rows;
  int version = 0;  // a statement that was planned before a change of it is stale
  // Describe in a failed transaction: PostgreSQL refuses it where rows would be returned; without
  // this it is refused of all, as a server refuses what it does not hold.
  bool describes_when_failed = false;
  std::string
      standby;  // what it reports as in_hot_standby; empty: nothing, as before PostgreSQL 14
  bool unlock_denied = false;  // nobody may call pg_advisory_unlock_all
};

class FakePostgres {
 public:
  explicit FakePostgres(FakeDatabase& database, std::uint32_t process_id = 1000);

  // What a client sent goes in; what the server writes in answer comes out.
  std::string take(std::string_view bytes);
  bool closed() const { return closed_; }
  char status() const;
  const std::string& first_statement() const { return statements_.begin()->first; }
  std::size_t statement_count() const { return statements_.size(); }
  // As a DECLARE would.
  void declare(std::string_view portal, std::string_view text) {
    portals_[std::string(portal)] = {std::string(text), 0};
  }
  // One statement is gone, which no request of this connection's did.
  void forget_one() { statements_.erase(statements_.begin()); }
  std::string setting(std::string_view name) const;
  // Every message that it read, one letter each.
  const std::string& seen() const { return seen_; }

 private:
  struct Setting {
    std::string spelling;
    std::string value;
    bool reported = false;
  };
  using Settings = std::map<std::string, Setting, std::less<>>;
  struct Statement {
    std::string text;
    int version = 0;
    std::string sql;  // not empty: the PREPARE that made it
  };
  struct Portal {
    std::string text;
    int rows_sent = 0;
  };
  struct Failure {
    std::string sqlstate;
    std::string message;
    std::string routine;
  };
  using Outcome = std::optional<Failure>;

  void startup(std::string_view body);
  void message(char type, std::string_view body);
  void simple_query(std::string_view text);
  void function_call();
  static Failure stale();
  bool is_stale(const Statement& statement) const;
  Outcome extended(char type, std::string_view body);
  Outcome parse(std::string_view body);
  Outcome bind(std::string_view body);
  Outcome describe(std::string_view body);
  Outcome execute(std::string_view body);
  void close(std::string_view body);
  void sync();
  bool copy_message(char type, std::string_view body);

  Outcome run(std::string_view text, bool simple);
  Outcome run_transaction(std::string_view word);
  Outcome run_setting(std::string_view word, std::string_view text);
  Outcome run_set_config(std::string_view text, bool simple);
  void run_inquiry(std::string_view text);
  Outcome prepare(std::string_view text);
  void hold(std::string_view text);
  Outcome run_set(std::string_view text);
  Outcome set(std::string name, std::string value);
  void reset(const std::string& name);
  Outcome begin_copy_in();
  void copy_out();
  void row(std::string_view value, bool simple, std::string_view tag = "SELECT 1");
  void open_implicit();
  void end_block(bool commit);
  void end_implicit(bool commit);
  void discard_all();
  void ready();
  void report_settings();
  void error(const Failure& failure, std::string_view severity = "ERROR");
  void write(char type, std::string_view body);
  void flush();

  FakeDatabase& database_;
  std::uint32_t process_id_;
  std::string in_;
  std::string buffered_;
  std::string out_;
  std::string seen_;
  bool started_ = false;
  bool closed_ = false;

  Settings defaults_;
  Settings settings_;
  Settings at_begin_;
  std::set<std::string> held_;
  std::map<std::string, std::string> told_;
  std::map<std::string, Statement, std::less<>> statements_;  // named ones
  std::optional<Statement> unnamed_;
  std::map<std::string, Portal, std::less<>> portals_;

  bool in_block_ = false;
  bool failed_ = false;
  bool implicit_open_ = false;
  bool skipping_ = false;
  bool copying_ = false;
  bool copying_simple_ = false;
  std::size_t copied_ = 0;
  std::vector<std::string> added_;
};

}  // namespace tidegate::testing
