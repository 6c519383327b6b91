// What the statements of the simulated language do to their session.
#include "sim/sim_session.h"

namespace tidegate::sim {

namespace {

constexpr std::size_t kEchoedBytes = 32;
constexpr std::uint64_t kDigestStart = 1469598103934665603u;

std::uint64_t digest(std::string_view bytes) {
  auto state = kDigestStart;
  for (const char c : bytes) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return state;
}

std::string hexadecimal(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    (text += kDigits[byte >> 4]) += kDigits[byte & 15];
  }
  return text;
}

// A parameter as the reply shows it: a long one by its length and digest.
std::string echo(const std::string& value) {
  if (value.size() <= kEchoedBytes) return value;
  return std::to_string(value.size()) + "#" + std::to_string(digest(value));
}

}  // namespace

// A PREPARE is repeated wherever its session goes.
void SimSession::witness(const Statement& statement, const std::string& tag, Step step) {
  if (step.witness == nullptr || tag.empty() || statement.verb == Verb::prepare) return;
  step.witness->executed(tag);
}

bool SimSession::run(const Statement& statement, const std::string& argument, Step step) {
  if (std::exchange(cancelled_, false)) {
    fail("57014", "canceling statement due to user request", step);
    return false;
  }
  const auto& tag =
      statement.verb == Verb::insert && statement.parameters > 0 ? argument : statement.tag;
  witness(statement, tag, step);
  switch (statement.verb) {
    case Verb::nothing:
      step.out.push_back({'I', {}});
      return true;
    case Verb::select:
      run_rows(statement, argument, step);
      return true;
    case Verb::set_config:
      return run_set_config(statement, step);
    case Verb::inquire:
      run_inquiry(statement, step);
      return true;
    case Verb::fail:
      fail("22012", "division by zero in " + statement.tag, step);
      return false;
    case Verb::insert:
      marks_.push_back(tag);
      complete("INSERT 0 1", step);
      return true;
    case Verb::copy_in:
      copying_ = true;
      copy_ = statement;
      copy_digest_ = kDigestStart;
      copy_rows_ = 0;
      step.out.push_back({'G', Body().byte(0).int16(0)});
      return true;
    case Verb::copy_out:
      run_copy_out(statement, step);
      return true;
    case Verb::begin:
      explicit_ = true;
      implicit_ = false;
      complete("BEGIN", step);
      return true;
    case Verb::commit: {
      const bool good = !failed_;
      end_transaction(true, step);
      complete(good ? "COMMIT" : "ROLLBACK", step);
      return true;
    }
    case Verb::rollback:
      end_transaction(false, step);
      complete("ROLLBACK", step);
      return true;
    case Verb::set:
    case Verb::reset:
    case Verb::reset_all:
    case Verb::show:
      return run_setting(statement, step);
    case Verb::discard_all:
      return run_discard(step);
    case Verb::prepare:
    case Verb::run_prepared:
    case Verb::deallocate:
    case Verb::deallocate_all:
      return run_prepared(statement, step);
    case Verb::malformed:
      break;
  }
  fail("42601", "syntax error at " + statement.tag, step);
  return false;
}

void SimSession::run_rows(const Statement& statement, const std::string& argument, Step step) {
  const auto value = shown(statement, argument);
  for (int i = 0; i < statement.rows; ++i) row(value, step);
  complete("SELECT " + std::to_string(statement.rows), step);
}

void SimSession::run_copy_out(const Statement& statement, Step step) {
  step.out.push_back({'H', Body().byte(0).int16(1).int16(0)});
  for (int i = 0; i < statement.rows; ++i) {
    step.out.push_back({'d', statement.tag + " row " + std::to_string(i) + "\n"});
  }
  step.out.push_back({'c', {}});
  complete("COPY " + std::to_string(statement.rows), step);
}

bool SimSession::run_set_config(const Statement& statement, Step step) {
  Body row;
  row.int16(static_cast<int>(statement.calls.size()));
  for (const auto& [name, value] : statement.calls) {
    if (!settings_.set(name, value, statement.local)) {
      fail("22023", "invalid value for parameter \"" + name + "\"", step);
      return false;
    }
    const auto& shown = settings_.get(*SimSettings::index_of(name));
    row.int32(static_cast<std::uint32_t>(shown.size())).raw(shown);
  }
  step.out.push_back({'D', std::move(row)});
  complete("SELECT 1", step);
  return true;
}

// What is not as it was at the login: kind, name and value.
void SimSession::run_inquiry(const Statement& statement, Step step) {
  int rows = 0;
  const auto tell = [&](std::string_view kind, std::string_view name, std::string_view value) {
    Body row;
    row.int16(3);
    for (const auto field : {kind, name, value}) {
      row.int32(static_cast<std::uint32_t>(field.size())).raw(std::string(field));
    }
    step.out.push_back({'D', std::move(row)});
    ++rows;
  };
  for (const auto& [name, nothing] : statement.calls) {
    const auto index = SimSettings::index_of(name);
    if (!index || !settings_.is_set(*index)) continue;
    tell("setting", name, hexadecimal(settings_.get(*index)));
  }
  if (statement.name == "prepared") {
    for (const auto& [name, prepared] : sql_prepared_) {
      tell("prepared", name, "PREPARE " + name + " AS " + prepared.value);
    }
  }
  complete("SELECT " + std::to_string(rows), step);
}

bool SimSession::run_setting(const Statement& statement, Step step) {
  switch (statement.verb) {
    case Verb::set:
      if (!settings_.set(statement.name, statement.value, statement.local)) {
        fail("22023", "invalid value for parameter \"" + statement.name + "\"", step);
        return false;
      }
      complete("SET", step);
      return true;
    case Verb::reset:
      if (!settings_.reset(statement.name)) {
        fail("42704", "unrecognized configuration parameter \"" + statement.name + "\"", step);
        return false;
      }
      complete("RESET", step);
      return true;
    case Verb::reset_all:
      settings_.reset_all();
      complete("RESET", step);
      return true;
    default: {
      const auto index = SimSettings::index_of(statement.name);
      row(index ? settings_.get(*index) : "", step);
      complete("SHOW", step);
      return true;
    }
  }
}

bool SimSession::run_discard(Step step) {
  if (explicit_) {
    fail("25001", "DISCARD ALL cannot run inside a transaction block", step);
    return false;
  }
  settings_.reset_all();
  prepared_.clear();
  sql_prepared_.clear();
  complete("DISCARD ALL", step);
  return true;
}

bool SimSession::run_prepared(const Statement& statement, Step step) {
  switch (statement.verb) {
    case Verb::prepare:
      if (sql_prepared_.contains(statement.name)) {
        fail("42P05", "prepared statement \"" + statement.name + "\" already exists", step);
        return false;
      }
      sql_prepared_[statement.name] = parse_statement(statement.value);
      sql_prepared_[statement.name].value = statement.value;
      complete("PREPARE", step);
      return true;
    case Verb::run_prepared: {
      const auto found = sql_prepared_.find(statement.name);
      if (found == sql_prepared_.end()) {
        fail("26000", "prepared statement \"" + statement.name + "\" does not exist", step);
        return false;
      }
      step.out.push_back(row_description());
      auto prepared = found->second;
      run_rows(prepared, {}, step);
      return true;
    }
    case Verb::deallocate_all:
      sql_prepared_.clear();
      prepared_.clear();
      complete("DEALLOCATE ALL", step);
      return true;
    default:
      if (sql_prepared_.erase(statement.name) + prepared_.erase(statement.name) == 0) {
        fail("26000", "prepared statement \"" + statement.name + "\" does not exist", step);
        return false;
      }
      complete("DEALLOCATE", step);
      return true;
  }
}

void SimSession::row(std::string_view value, Step step) {
  step.out.push_back(
      {'D', Body().int16(1).int32(static_cast<std::uint32_t>(value.size())).raw(value)});
}

std::string SimSession::shown(const Statement& statement, const std::string& argument) const {
  return statement.tag + "|" + user_ + "/" + database_ + "|" + settings_.text() + "|" +
         echo(argument);
}

}  // namespace tidegate::sim
