// SET and RESET, which come in many forms:
//   SET [SESSION | LOCAL] name[.name] { TO | = } ..., and the same with the special words below
//   SET [SESSION | LOCAL] SESSION { AUTHORIZATION ... | CHARACTERISTICS AS TRANSACTION ... }
//   RESET name, RESET ALL, RESET SESSION AUTHORIZATION
// All words but the verb may be names of settings too: `SET time TO 1`, `SET session.x = 1`. So a
// special word is believed only when no dot, TO or equals sign follows it.
#include <algorithm>
#include <optional>

#include "sql/postgres_statement.h"

namespace tidegate::sql {
namespace {

// The setting behind each special word.
struct SpecialWord {
  Keyword word;
  std::string_view setting;
};
constexpr SpecialWord kSpecialWords[] = {
    {Keyword::names, "client_encoding"}, {Keyword::role, "role"},
    {Keyword::schema, "search_path"},    {Keyword::time, "timezone"},
    {Keyword::xml, "xmloption"},
};

// Settings that are more than a value to be remembered.
struct PeculiarSetting {
  std::string_view setting;
  Effect effect;
};
constexpr PeculiarSetting kPeculiarSettings[] = {
    {"role", Effect::set_role},
    {"seed", Effect::setseed},
    {"session_authorization", Effect::set_role},
    // These belong to the transaction, however they are set.
    {"transaction_deferrable", Effect::set_local},
    {"transaction_isolation", Effect::set_local},
    {"transaction_read_only", Effect::set_local},
};

std::optional<std::string_view> setting_of(Keyword special) {
  const auto* found = std::ranges::find(kSpecialWords, special, &SpecialWord::word);
  if (found == std::end(kSpecialWords)) return std::nullopt;
  return found->setting;
}

}  // namespace

void PostgresStatementReader::continue_set(const Token& token) {
  switch (phase_) {
    case Phase::set:
    case Phase::set_local:
    case Phase::set_session:
      continue_set_scope(token);
      break;
    case Phase::set_name:
    case Phase::set_name_dot:
      continue_setting_name(token);
      break;
    case Phase::set_characteristics:
      continue_characteristics(token.keyword);
      break;
    default:
      break;
  }
}

void PostgresStatementReader::continue_set_scope(const Token& token) {
  const bool after_session = phase_ == Phase::set_session;
  const bool after_scope = after_session || phase_ == Phase::set_local;
  switch (token.keyword) {
    case Keyword::session:
      begin_setting_name(token);
      phase_ = Phase::set_session;
      return;
    case Keyword::local:
      if (after_scope || resetting_) break;
      begin_setting_name(token);
      local_ = true;
      phase_ = Phase::set_local;
      return;
    case Keyword::all:
      if (after_scope || !resetting_) break;
      effects_.add(Effect::reset_all);
      phase_ = Phase::plain;
      return;
    case Keyword::authorization:
      if (!after_session) break;
      add_setting("session_authorization");
      return;
    case Keyword::characteristics:
      if (!after_session) break;
      phase_ = Phase::set_characteristics;
      return;
    case Keyword::to:
    case Keyword::from:  // SET session TO ...: no scope, but the name
      if (after_scope) finish_setting_name(true);
      return;
    default:
      break;
  }
  begin_setting_name(token);
}

void PostgresStatementReader::begin_setting_name(const Token& token) {
  setting_.clear();
  std::ranges::transform(token.text, std::back_inserter(setting_), ascii_lower);
  special_ = token.keyword;
  phase_ = Phase::set_name;
}

void PostgresStatementReader::continue_setting_name(const Token& token) {
  if (phase_ == Phase::set_name_dot) {
    setting_ += '.';
    std::ranges::transform(token.text, std::back_inserter(setting_), ascii_lower);
    phase_ = Phase::set_name;
    return;
  }
  const bool was_a_name = token.keyword == Keyword::to || token.keyword == Keyword::from;
  if (was_a_name) special_ = Keyword::none;
  finish_setting_name(true);
}

void PostgresStatementReader::symbol_in_set(char symbol) {
  const bool was_a_name = symbol == '.' || symbol == '=';
  if (was_a_name) special_ = Keyword::none;
  if (was_a_name && phase_ == Phase::set_local) local_ = false;
  if (symbol == '.') {
    phase_ = Phase::set_name_dot;
  } else {
    finish_setting_name(true);
  }
}

// `more_followed`: a token came behind the name that is not part of it.
void PostgresStatementReader::finish_setting_name(bool more_followed) {
  if (phase_ == Phase::set_local && more_followed) local_ = false;
  if (special_ == Keyword::transaction || special_ == Keyword::constraints) {
    effects_.add(Effect::set_local);
    phase_ = Phase::plain;
    return;
  }
  // A lone TIME is a name that PostgreSQL will not know: TIME ZONE has two words.
  const auto setting =
      special_ == Keyword::time && !more_followed ? std::nullopt : setting_of(special_);
  add_setting(setting.value_or(setting_));
}

void PostgresStatementReader::add_setting(std::string_view setting) {
  phase_ = Phase::plain;
  const auto* peculiar = std::ranges::find(kPeculiarSettings, setting, &PeculiarSetting::setting);
  const bool is_peculiar = peculiar != std::end(kPeculiarSettings);
  // The seed stays changed after a SET LOCAL too.
  if (is_peculiar && peculiar->effect == Effect::setseed) {
    effects_.add(Effect::setseed);
  } else if (local_) {
    effects_.add(Effect::set_local);
  } else if (is_peculiar) {
    effects_.add(peculiar->effect);
  } else {
    add_named(Effect::set_parameter, std::string(setting));
  }
}

// ... AS TRANSACTION, then any of ISOLATION LEVEL ..., READ ONLY, READ WRITE, [NOT] DEFERRABLE.
void PostgresStatementReader::continue_characteristics(Keyword keyword) {
  switch (keyword) {
    case Keyword::isolation:
      add_setting("default_transaction_isolation");
      break;
    case Keyword::only_or_write:
      add_setting("default_transaction_read_only");
      break;
    case Keyword::deferrable:
      add_setting("default_transaction_deferrable");
      break;
    default:
      break;
  }
  phase_ = Phase::set_characteristics;
}

}  // namespace tidegate::sql
