#include "sim/sim_session.h"

#include <algorithm>

namespace tidegate::sim {

namespace {

std::uint64_t digest(std::uint64_t state, std::string_view bytes) {
  for (const char c : bytes) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return state;
}

std::string unknown_statement(const std::string& name) {
  if (name.empty()) return "unnamed prepared statement does not exist";
  return "prepared statement \"" + name + "\" does not exist";
}

}  // namespace

Message row_description(std::size_t columns) {
  Body body;
  body.int16(static_cast<int>(columns));
  for (std::size_t i = 0; i < columns; ++i) {
    body.string("tag").int32(0).int16(0).int32(25).int16(-1).int32(~0u).int16(0);
  }
  return {'T', std::move(body)};
}

bool SimSession::start_with(std::string_view name, std::string_view value) {
  return settings_.set_default(name, value);
}

void SimSession::greet(Messages& out) {
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    if (kSettings[i].reported) out.push_back(parameter_status(kSettings[i].name, settings_.get(i)));
  }
  told_ = settings_;
}

void SimSession::take(const Message& message, Messages& out, Witness* witness) {
  const Step step{out, witness};
  if (copying_) {
    take_copy(message, step);
  } else if (!skipping_ || message.type == 'S') {
    dispatch(message, step);
  }
  cancelled_ = false;  // a cancel never waits for the statement after
}

void SimSession::dispatch(const Message& message, Step step) {
  switch (message.type) {
    case 'Q':
      return take_query(message, step);
    case 'P':
      return take_parse(message, step);
    case 'B':
      return take_bind(message, step);
    case 'D':
      return take_describe(message, step);
    case 'E':
      return take_execute(message, step);
    case 'C':
      return take_close(message, step);
    case 'S':
      return take_sync(step);
    case 'F':
      fail("0A000", "no function calls here", step);
      return ready(step);
    case 'H':
    case 'd':
    case 'c':
    case 'f':
      return;
    default:
      return fail("08P01", "unknown message type", step);
  }
}

Duration SimSession::busy_for(const Message& message) const {
  if (skipping_ || copying_ || failed_) return {};
  Duration total{0};
  if (message.type == 'Q') {
    for (const auto& statement : parse_statements(message.body.c_str())) total += statement.sleep;
  }
  if (message.type == 'E') {
    const auto portal = portals_.find(message.body.c_str());
    if (portal != portals_.end()) total = portal->second.statement.sleep;
  }
  return total;
}

void SimSession::cancel(Messages& out) {
  if (!copying_) {
    cancelled_ = true;
    return;
  }
  copying_ = false;
  fail("57014", "canceling statement due to user request", {out, nullptr});
  end_simple_copy({out, nullptr});
}

// --- Messages ---

void SimSession::take_query(const Message& message, Step step) {
  prepared_.erase("");
  portals_.erase("");
  const auto statements = parse_statements(message.body.c_str());
  begin_implicit();
  for (const auto& statement : statements) {
    if (statement.verb != Verb::malformed) continue;
    fail("42601", "syntax error at " + statement.tag, step);
    skipping_ = false;
    return ready(step);
  }
  if (statements.empty()) step.out.push_back({'I', {}});
  run_simple(statements, step);
  if (copying_) return;
  cancelled_ = skipping_ = false;
  ready(step);
}

void SimSession::run_simple(const std::vector<Statement>& statements, Step step) {
  copy_extended_ = false;
  for (const auto& statement : statements) {
    begin_implicit();  // the one before may have been a COMMIT
    if (!may_run(statement, step)) return;
    if (statement.returns_rows() && statement.verb != Verb::fail && !cancelled_) {
      const auto columns = statement.verb == Verb::inquire ? 3 : statement.calls.size();
      step.out.push_back(row_description(std::max<std::size_t>(1, columns)));
    }
    if (!run(statement, {}, step) || copying_) return;
  }
}

void SimSession::take_parse(const Message& message, Step step) {
  ByteReader reader(as_bytes(message.body));
  const std::string name(reader.cstring());
  const auto text = reader.cstring();
  begin_implicit();
  if (name.empty()) prepared_.erase("");  // also when the new one turns out to be wrong
  const auto statements = parse_statements(text);
  if (statements.size() > 1) {
    return fail("42601", "cannot insert multiple commands into a prepared statement", step);
  }
  const auto statement = statements.empty() ? Statement{.verb = Verb::nothing} : statements[0];
  if (statement.verb == Verb::malformed) {
    return fail("42601", "syntax error at " + statement.tag, step);
  }
  if (!may_run(statement, step)) return;
  if (!name.empty() && prepared_.contains(name)) {
    return fail("42P05", "prepared statement \"" + name + "\" already exists", step);
  }
  prepared_[name] = statement;
  step.out.push_back({'1', {}});
}

void SimSession::take_bind(const Message& message, Step step) {
  ByteReader reader(as_bytes(message.body));
  const std::string portal(reader.cstring());
  const std::string name(reader.cstring());
  reader.bytes(std::size_t{2} * reader.be16());
  const int values = reader.be16();
  std::string argument;
  if (values > 0) argument = as_text(reader.bytes(reader.be32()));
  begin_implicit();
  const auto prepared = prepared_.find(name);
  if (prepared == prepared_.end()) {
    return fail("26000", unknown_statement(name), step);
  }
  if (values != prepared->second.parameters) {
    return fail("08P01", "wrong number of parameters", step);
  }
  if (!may_run(prepared->second, step)) return;
  if (!portal.empty() && portals_.contains(portal)) {
    return fail("42P03", "cursor \"" + portal + "\" already exists", step);
  }
  portals_[portal] = {prepared->second, argument, 0};
  step.out.push_back({'2', {}});
}

void SimSession::take_describe(const Message& message, Step step) {
  const std::string name(message.body.c_str() + 1);
  begin_implicit();
  const Statement* statement = nullptr;
  if (message.body[0] == 'S') {
    const auto found = prepared_.find(name);
    if (found == prepared_.end()) {
      return fail("26000", unknown_statement(name), step);
    }
    statement = &found->second;
  } else {
    const auto found = portals_.find(name);
    if (found == portals_.end()) {
      return fail("34000", "portal \"" + name + "\" does not exist", step);
    }
    statement = &found->second.statement;
  }
  if (failed_ && statement->returns_rows()) {
    may_run(*statement, step);
    return;
  }
  if (message.body[0] == 'S') {
    Body types;
    types.int16(statement->parameters);
    for (int i = 0; i < statement->parameters; ++i) types.int32(25);
    step.out.push_back({'t', std::move(types)});
  }
  step.out.push_back(statement->returns_rows() ? row_description() : Message{'n', {}});
}

void SimSession::take_execute(const Message& message, Step step) {
  ByteReader reader(as_bytes(message.body));
  const std::string name(reader.cstring());
  const int rows_max = static_cast<int>(reader.be32());
  begin_implicit();
  const auto found = portals_.find(name);
  if (found == portals_.end()) {
    return fail("34000", "portal \"" + name + "\" does not exist", step);
  }
  auto& portal = found->second;
  if (!may_run(portal.statement, step)) return;
  // A portal's later parts are not another execution.
  const Step heard{step.out, portal.rows_sent == 0 ? step.witness : nullptr};
  auto part = portal.statement;
  if (part.verb == Verb::select && rows_max > 0) {
    part.rows = std::min(rows_max, part.rows - portal.rows_sent);
    portal.rows_sent += part.rows;
    if (portal.rows_sent < portal.statement.rows) return suspend(part, portal.argument, heard);
  }
  const auto argument = portal.argument;  // running may end the portal
  run(part, argument, heard);
  cancelled_ = false;
  if (copying_) copy_extended_ = true;
}

void SimSession::suspend(const Statement& part, const std::string& argument, Step step) {
  if (std::exchange(cancelled_, false)) {
    return fail("57014", "canceling statement due to user request", step);
  }
  if (step.witness != nullptr) step.witness->executed(part.tag);
  for (int i = 0; i < part.rows; ++i) row(shown(part, argument), step);
  step.out.push_back({'s', {}});
}

void SimSession::take_close(const Message& message, Step step) {
  const std::string name(message.body.c_str() + 1);
  begin_implicit();
  if (message.body[0] == 'S') {
    prepared_.erase(name);
    sql_prepared_.erase(name);
  } else {
    portals_.erase(name);
  }
  step.out.push_back({'3', {}});
}

void SimSession::take_sync(Step step) {
  skipping_ = false;
  ready(step);
}

void SimSession::take_copy(const Message& message, Step step) {
  switch (message.type) {
    case 'd':
      copy_digest_ = digest(copy_digest_, message.body);
      ++copy_rows_;
      return;
    case 'c':
      return finish_copy(false, step);
    case 'f':
      return finish_copy(true, step);
    case 'H':
    case 'S':
      return;  // ignored while data come in
    default:
      copying_ = false;
      fail("08P01", "unexpected message during COPY from stdin", step);
      end_simple_copy(step);
  }
}

void SimSession::finish_copy(bool failed, Step step) {
  copying_ = false;
  if (failed) {
    fail("57014", "COPY from stdin failed: " + copy_.tag, step);
  } else {
    marks_.push_back(copy_.tag + "#" + std::to_string(copy_digest_));
    complete("COPY " + std::to_string(copy_rows_), step);
  }
  end_simple_copy(step);
}

// A simple query is over with its COPY; in the extended protocol that takes a Sync.
void SimSession::end_simple_copy(Step step) {
  if (copy_extended_) return;
  skipping_ = false;
  ready(step);
}

// --- Transactions ---

void SimSession::begin_implicit() {
  if (explicit_ || implicit_) return;
  implicit_ = true;
  failed_ = false;
  settings_.transaction_began();
}

void SimSession::end_transaction(bool commit, Step step) {
  if (commit && !failed_) {
    settings_.committed();
    if (step.witness != nullptr) {
      for (const auto& mark : marks_) step.witness->committed(mark);
    }
  } else {
    settings_.rolled_back();
  }
  marks_.clear();
  portals_.clear();
  explicit_ = implicit_ = failed_ = false;
}

void SimSession::fail(std::string_view sqlstate, std::string_view text, Step step) {
  step.out.push_back(error_message("ERROR", sqlstate, text));
  skipping_ = true;
  failed_ = true;
}

void SimSession::ready(Step step) {
  if (!explicit_ && implicit_) end_transaction(true, step);
  implicit_ = false;
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    if (!kSettings[i].reported || settings_.get(i) == told_.get(i)) continue;
    step.out.push_back(parameter_status(kSettings[i].name, settings_.get(i)));
  }
  told_ = settings_;
  step.out.push_back({'Z', std::string(1, status())});
}

bool SimSession::may_run(const Statement& statement, Step step) {
  if (!explicit_ || !failed_ || statement.ends_transaction()) return true;
  fail("25P02", "current transaction is aborted, commands ignored until end of transaction block",
       step);
  return false;
}

}  // namespace tidegate::sim
