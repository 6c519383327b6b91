#include "sql/postgres_statement.h"

#include <algorithm>

namespace tidegate::sql {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), ascii_lower);
  return result;
}

// pg_temp, or pg_temp_3 for who knows the number of the session.
bool is_temp_schema(std::string_view name) {
  constexpr std::string_view kSchema = "pg_temp";
  if (!std::ranges::equal(name.substr(0, kSchema.size()), kSchema, {}, ascii_lower)) return false;
  return name.size() == kSchema.size() || name[kSchema.size()] == '_';
}

Effect effect_of_call(Keyword function) {
  switch (function) {
    case Keyword::set_config_function:
      return Effect::set_config;
    case Keyword::setseed_function:
      return Effect::setseed;
    case Keyword::advisory_lock_function:
      return Effect::advisory_lock;
    case Keyword::advisory_unlock_function:
      return Effect::advisory_unlock;
    case Keyword::notify_function:
      return Effect::notify;
    case Keyword::session_function:
      return Effect::session_function;
    default:
      return Effect::opaque;
  }
}

}  // namespace

void PostgresStatementReader::begin() {
  *this = {};
}

Effects& PostgresStatementReader::finish() {
  end_statement();
  return effects_;
}

void PostgresStatementReader::quoted(std::string_view text, bool escaped) {
  const bool readable = !escaped || text.find('\\') == text.npos;
  if (!readable) lost();
  auto keyword = find_keyword(text);
  const bool counts = is_function(keyword) || keyword == Keyword::pg_settings;
  const bool lower_case = std::ranges::none_of(text, [](char c) { return c != ascii_lower(c); });
  if (!counts || !lower_case) keyword = escaped ? Keyword::escaped_name : Keyword::none;
  take({keyword, text, true});
}

void PostgresStatementReader::take(Token token) {
  // An argument by itself, not the end of an expression such as NOT true.
  if (token.keyword == Keyword::true_ && before_ != Keyword::comma) token.keyword = Keyword::none;
  const bool names_schema = creating() || into_ == Into::target;
  if (names_schema && is_temp_schema(token.text)) token.keyword = Keyword::temp_schema;
  if (phase_ == Phase::head) {
    ++effects_.statements;
    open_statement(token);
  } else if (phase_ != Phase::plain) {
    continue_statement(token);
  }
  notice_anywhere(token);
  before_ = token.keyword;
}

void PostgresStatementReader::open_statement(const Token& token) {
  phase_ = Phase::plain;
  switch (token.keyword) {
    case Keyword::abort:
    case Keyword::commit:
    case Keyword::end:
    case Keyword::rollback:
      phase_ = Phase::ending;
      break;
    case Keyword::begin:
    case Keyword::start:
      effects_.add(Effect::opens_transaction);
      break;
    case Keyword::call:
    case Keyword::do_:
      effects_.add(Effect::opaque);
      break;
    case Keyword::close:
      effects_.add(Effect::closes_cursor);
      break;
    case Keyword::alter_or_drop:
      effects_.add(Effect::defines);
      break;
    case Keyword::create:
      effects_.add(Effect::defines);
      phase_ = Phase::create;
      break;
    case Keyword::deallocate:
      phase_ = Phase::deallocate;
      break;
    case Keyword::declare:
      phase_ = Phase::declare;
      break;
    case Keyword::discard:
      phase_ = Phase::discard;
      break;
    case Keyword::execute:
      phase_ = Phase::execute;
      break;
    case Keyword::explain:
      phase_ = Phase::explain;
      break;
    case Keyword::load:
      effects_.add(Effect::load);
      break;
    case Keyword::notify:
      effects_.add(Effect::notify);
      break;
    case Keyword::prepare:
      phase_ = Phase::prepare;
      break;
    case Keyword::listen:
    case Keyword::unlisten:
      named_ = token.keyword == Keyword::listen ? Effect::listen : Effect::unlisten;
      phase_ = Phase::channel;
      break;
    case Keyword::set:
    case Keyword::reset:
      resetting_ = token.keyword == Keyword::reset;
      phase_ = Phase::set;
      break;
    default:
      break;
  }
}

void PostgresStatementReader::continue_statement(const Token& token) {
  const auto name = [&] { return token.quoted ? std::string(token.text) : lower(token.text); };
  switch (phase_) {
    case Phase::explain:
      if (token.keyword == Keyword::analyze || token.keyword == Keyword::verbose) break;
      open_statement(token);
      break;
    case Phase::ending:
    case Phase::ending_chained:
      continue_ending(token.keyword);
      break;
    case Phase::prepare:
    case Phase::prepare_transaction:
      continue_prepare(token);
      break;
    case Phase::execute:
      add_named(Effect::sql_execute, name());
      phase_ = Phase::plain;
      break;
    case Phase::deallocate:
    case Phase::deallocate_prepare:
      continue_deallocate(token);
      break;
    case Phase::discard:
      effects_.add(token.keyword == Keyword::all ? Effect::discard_all : Effect::discard_other);
      phase_ = Phase::plain;
      break;
    case Phase::declare:
      if (token.keyword == Keyword::for_) phase_ = Phase::plain;
      if (token.keyword == Keyword::hold && before_ == Keyword::with) {
        effects_.add(Effect::cursor_with_hold);
      }
      break;
    case Phase::channel:
      add_named(named_, name());
      phase_ = Phase::plain;
      break;
    case Phase::create:
    case Phase::created:
      continue_create(token);
      break;
    case Phase::create_routine:
    case Phase::routine_body:
      continue_routine(token);
      break;
    case Phase::plain:
    case Phase::head:
    case Phase::explain_options:
      break;
    default:
      continue_set(token);
      break;
  }
}

// COMMIT [WORK | TRANSACTION] [AND [NO] CHAIN]; TO and PREPARED make it something else.
void PostgresStatementReader::continue_ending(Keyword keyword) {
  if (keyword == Keyword::to) effects_.add(Effect::rolls_back_to);
  if (keyword == Keyword::prepared) effects_.add(Effect::defines);
  if (keyword == Keyword::to || keyword == Keyword::prepared) phase_ = Phase::plain;
  if (keyword == Keyword::chain && before_ != Keyword::no) phase_ = Phase::ending_chained;
}

void PostgresStatementReader::continue_prepare(const Token& token) {
  const bool maybe_transaction = token.keyword == Keyword::transaction;
  if (phase_ == Phase::prepare_transaction) {  // AS: a statement of that name
    add_named(Effect::sql_prepare, "transaction");
    phase_ = Phase::plain;
  } else if (maybe_transaction) {
    phase_ = Phase::prepare_transaction;
  } else {
    add_named(Effect::sql_prepare, token.quoted ? std::string(token.text) : lower(token.text));
    phase_ = Phase::plain;
  }
}

void PostgresStatementReader::continue_deallocate(const Token& token) {
  if (token.keyword == Keyword::all) {
    effects_.add(Effect::sql_deallocate_all);
  } else if (token.keyword == Keyword::prepare && phase_ == Phase::deallocate) {
    phase_ = Phase::deallocate_prepare;
    return;
  } else {
    add_named(Effect::sql_deallocate, token.quoted ? std::string(token.text) : lower(token.text));
  }
  phase_ = Phase::plain;
}

void PostgresStatementReader::continue_create(const Token& token) {
  if (phase_ == Phase::created) {  // CREATE TABLE name AS EXECUTE statement
    if (token.keyword == Keyword::execute && before_ == Keyword::as) phase_ = Phase::execute;
    return;
  }
  switch (token.keyword) {
    case Keyword::or_:
    case Keyword::replace:
    case Keyword::global:
    case Keyword::local:
      break;
    case Keyword::temp:
      effects_.add(Effect::temp_object);
      phase_ = Phase::created;
      break;
    case Keyword::routine:
      phase_ = Phase::create_routine;
      break;
    default:
      phase_ = Phase::created;
      break;
  }
}

// The statements of a BEGIN ATOMIC body run when the routine is called, so neither their first
// words nor their semicolons count here. CASE has an END of its own; behind AS or a dot both words
// are names.
void PostgresStatementReader::continue_routine(const Token& token) {
  const bool is_name = before_ == Keyword::as || before_ == Keyword::dot;
  if (phase_ == Phase::create_routine) {
    const bool opens = token.keyword == Keyword::atomic && before_ == Keyword::begin;
    if (!opens || parentheses_ > 0) return;
    phase_ = Phase::routine_body;
    blocks_ = 1;
  } else if (token.keyword == Keyword::case_ && !is_name) {
    ++blocks_;
  } else if (token.keyword == Keyword::end && !is_name && --blocks_ == 0) {
    phase_ = Phase::plain;
  }
}

void PostgresStatementReader::notice_anywhere(const Token& token) {
  if (into_ != Into::no || token.keyword == Keyword::into) continue_into(token);
  if (token.keyword == Keyword::update) updating_ = true;
  if (token.keyword == Keyword::pg_settings && updating_) effects_.add(Effect::set_config);
  // U&"..." UESCAPE '!': another letter stands for the backslash, so the name was misread.
  const bool after_name = before_ == Keyword::escaped_name || is_function(before_);
  if (token.keyword == Keyword::uescape && after_name) lost();
}

void PostgresStatementReader::continue_into(const Token& token) {
  if (token.keyword == Keyword::into) {
    into_ = before_ == Keyword::insert_or_merge ? Into::no : Into::target;
    if (into_ == Into::target) effects_.add(Effect::defines);
    return;
  }
  if (into_ == Into::temp) {
    effects_.add(Effect::temp_object);
    into_ = Into::no;
    return;
  }
  switch (token.keyword) {
    case Keyword::temp:
      into_ = Into::temp;
      break;
    case Keyword::local:
    case Keyword::global:
    case Keyword::unlogged:
    case Keyword::table:
    case Keyword::temp_schema:
      break;
    default:
      into_ = Into::no;
      break;
  }
}

bool PostgresStatementReader::creating() const {
  return phase_ == Phase::create || phase_ == Phase::created || phase_ == Phase::create_routine;
}

void PostgresStatementReader::symbol(char symbol) {
  const auto before = before_;
  before_ = symbol == '.' ? Keyword::dot : Keyword::none;
  if (symbol == '(') {
    open_parenthesis(before);
  } else if (symbol == ')') {
    close_parenthesis(before);
  } else if (symbol == '.' && before == Keyword::temp_schema) {
    effects_.add(Effect::temp_object);
  }
  into_ = Into::no;

  switch (phase_) {
    case Phase::head:
      ++effects_.statements;
      phase_ = Phase::plain;
      break;
    case Phase::prepare_transaction:  // its identifier, or the types of a statement of that name
      if (symbol == '(') {
        add_named(Effect::sql_prepare, "transaction");
      } else {
        effects_.add(Effect::ends_transaction);
      }
      phase_ = Phase::plain;
      break;
    case Phase::channel:
      add_named(named_, "*");
      phase_ = Phase::plain;
      break;
    case Phase::set_local:
    case Phase::set_session:
    case Phase::set_name:
      symbol_in_set(symbol);
      break;
    case Phase::set_value:
      add_setting(setting_, false);
      break;
    default:
      break;
  }
}

// What set_config does is said by its last argument. Of several calls in each other it is not read.
void PostgresStatementReader::open_parenthesis(Keyword before) {
  ++parentheses_;
  if (before == Keyword::set_config_function && config_call_ == 0) {
    config_call_ = parentheses_;
  } else if (is_function(before)) {
    effects_.add(effect_of_call(before));
  }
  if (phase_ == Phase::explain) phase_ = Phase::explain_options;
}

void PostgresStatementReader::close_parenthesis(Keyword before) {
  if (config_call_ != 0 && config_call_ == parentheses_) {
    effects_.add(before == Keyword::true_ ? Effect::set_local : Effect::set_config);
    config_call_ = 0;
  }
  if (parentheses_ > 0) --parentheses_;
  if (phase_ == Phase::explain_options && parentheses_ == 0) phase_ = Phase::explain;
}

// The semicolons of CREATE RULE ... DO (a; b) and of a BEGIN ATOMIC body end nothing.
void PostgresStatementReader::semicolon() {
  if (parentheses_ > 0 || phase_ == Phase::routine_body) {
    other();
    return;
  }
  end_statement();
}

void PostgresStatementReader::end_statement() {
  switch (phase_) {
    case Phase::ending_chained:
      effects_.add(Effect::opens_transaction);
      [[fallthrough]];
    case Phase::ending:
      effects_.add(Effect::ends_transaction);
      break;
    case Phase::deallocate_prepare:
      add_named(Effect::sql_deallocate, "prepare");
      break;
    case Phase::set_local:
    case Phase::set_session:
    case Phase::set_name:
      finish_setting_name(false);
      break;
    case Phase::set_value:
      add_setting(setting_, false);
      break;
    default:
      break;
  }
  if (config_call_ != 0) effects_.add(Effect::set_config);
  phase_ = Phase::head;
  into_ = Into::no;
  before_ = special_ = Keyword::none;
  local_ = resetting_ = updating_ = false;
  parentheses_ = blocks_ = config_call_ = 0;
}

void PostgresStatementReader::add_named(Effect effect, std::string text) {
  effects_.add(effect);
  if (effects_.names.size() == Effects::kNamesMax) {
    lost();
    return;
  }
  effects_.names.push_back({effect, std::move(text), effects_.statements});
}

}  // namespace tidegate::sql
