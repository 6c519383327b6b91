// One session of PostgreSQL as a value: it takes frontend messages and gives backend messages, with
// the real rules for transactions, errors, prepared statements, portals, COPY and settings. No
// socket and no time. The simulated server runs one for every connection; a simulated client runs
// a copy of its own beside the conversation, and whatever a pooler does in between, the two must
// say the same.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "sim/sim_settings.h"
#include "sim/sim_sql.h"
#include "sim/wire.h"

namespace tidegate::sim {

// Hears what really happened in the database.
class Witness {
 public:
  virtual ~Witness() = default;
  virtual void executed(const std::string& tag) = 0;
  virtual void committed(const std::string& mark) = 0;
};

class SimSession {
 public:
  SimSession(std::string user, std::string database)
      : user_(std::move(user)), database_(std::move(database)) {}

  // A startup parameter. False: PostgreSQL would refuse the login.
  bool start_with(std::string_view name, std::string_view value);
  // Everything that is reported at login, and the ReadyForQuery behind it.
  void greet(Messages& out);

  // `witness` may be null.
  void take(const Message& message, Messages& out, Witness* witness);
  // How long the message will keep the server busy by its own wish (pg_sleep).
  Duration busy_for(const Message& message) const;
  // The statement that runs next, or the COPY under way, fails with 57014.
  void cancel(Messages& out);

  char status() const { return explicit_ ? (failed_ ? 'E' : 'T') : 'I'; }
  bool copying_in() const { return copying_; }
  bool in_batch() const { return implicit_; }
  bool skipping() const { return skipping_; }
  const SimSettings& settings() const { return settings_; }
  std::size_t prepared_count() const { return prepared_.size(); }

 private:
  struct Portal {
    Statement statement;
    std::string argument;
    int rows_sent = 0;
  };
  struct Step {  // what one message writes to and tells
    Messages& out;
    Witness* witness;
  };

  void dispatch(const Message& message, Step step);
  // One function per message.
  void take_query(const Message& message, Step step);
  void take_parse(const Message& message, Step step);
  void take_bind(const Message& message, Step step);
  void take_describe(const Message& message, Step step);
  void take_execute(const Message& message, Step step);
  void take_close(const Message& message, Step step);
  void take_sync(Step step);
  void take_copy(const Message& message, Step step);

  void run_simple(const std::vector<Statement>& statements, Step step);
  void suspend(const Statement& part, const std::string& argument, Step step);

  // One function per kind of statement. False: it failed, and the error is out.
  bool run(const Statement& statement, const std::string& argument, Step step);
  bool run_set_config(const Statement& statement, Step step);
  static void witness(const Statement& statement, const std::string& tag, Step step);
  void run_inquiry(const Statement& statement, Step step);
  bool run_setting(const Statement& statement, Step step);
  bool run_prepared(const Statement& statement, Step step);
  bool run_discard(Step step);
  void run_rows(const Statement& statement, const std::string& argument, Step step);
  void run_copy_out(const Statement& statement, Step step);
  bool may_run(const Statement& statement, Step step);

  void begin_implicit();
  void end_transaction(bool commit, Step step);
  void fail(std::string_view sqlstate, std::string_view text, Step step);
  void finish_copy(bool failed, Step step);
  void end_simple_copy(Step step);
  void ready(Step step);
  void complete(std::string_view tag, Step step) { step.out.push_back({'C', Body().string(tag)}); }
  void row(std::string_view value, Step step);
  std::string shown(const Statement& statement, const std::string& argument) const;

  std::string user_;
  std::string database_;
  SimSettings settings_;
  SimSettings told_;  // what the client was told last
  std::map<std::string, Statement> prepared_;
  std::map<std::string, Statement> sql_prepared_;
  std::map<std::string, Portal> portals_;
  std::vector<std::string> marks_;  // of the open transaction
  bool explicit_ = false;           // BEGIN was given
  bool implicit_ = false;           // a batch or a simple query is under way
  bool failed_ = false;
  bool skipping_ = false;  // after an error, until Sync
  bool copying_ = false;
  bool copy_extended_ = false;
  bool cancelled_ = false;
  Statement copy_;
  std::uint64_t copy_digest_ = 0;
  int copy_rows_ = 0;
};

// Of one text column, or of several.
Message row_description(std::size_t columns = 1);

}  // namespace tidegate::sim
