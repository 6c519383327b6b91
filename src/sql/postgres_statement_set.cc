// SET and RESET, which come in many forms:
//   SET [SESSION | LOCAL] name[.name] { TO | = } { DEFAULT | ... }, and the same with the special
//   words below
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
    case Phase::set_value:
      take_value(token);
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
      add_named(Effect::reset_all, "*");
      phase_ = Phase::plain;
      return;
    case Keyword::authorization:
      if (!after_session) break;
      if (resetting_) {
        add_setting("session_authorization", true);
      } else {
        expect_value("session_authorization");
      }
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

// Without TO, a word behind the name is ZONE or OPTION, or already the value.
void PostgresStatementReader::continue_setting_name(const Token& token) {
  if (phase_ == Phase::set_name_dot) {
    setting_ += '.';
    std::ranges::transform(token.text, std::back_inserter(setting_), ascii_lower);
    phase_ = Phase::set_name;
    return;
  }
  const bool was_a_name = token.keyword == Keyword::to || token.keyword == Keyword::from;
  if (was_a_name) special_ = Keyword::none;
  const bool value_follows = was_a_name || special_ == Keyword::time || special_ == Keyword::xml;
  finish_setting_name(true);
  if (!value_follows && phase_ == Phase::set_value) take_value(token);
}

void PostgresStatementReader::symbol_in_set(char symbol) {
  const bool was_a_name = symbol == '.' || symbol == '=';
  if (was_a_name) special_ = Keyword::none;
  if (was_a_name && phase_ == Phase::set_local) local_ = false;
  if (symbol == '.') {
    phase_ = Phase::set_name_dot;
    return;
  }
  finish_setting_name(true);
  if (symbol != '=' && phase_ == Phase::set_value) add_setting(setting_, false);
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
  const auto special =
      special_ == Keyword::time && !more_followed ? std::nullopt : setting_of(special_);
  const auto setting = special.value_or(setting_);
  const bool lone_names = special_ == Keyword::names && !more_followed;
  if (resetting_ || !more_followed) {
    add_setting(setting, resetting_ || lone_names);
  } else {
    expect_value(setting);
  }
}

void PostgresStatementReader::expect_value(std::string_view setting) {
  if (setting != setting_) setting_ = setting;
  phase_ = Phase::set_value;
}

// SET TIME ZONE LOCAL means its default too.
void PostgresStatementReader::take_value(const Token& token) {
  const bool local_zone = token.keyword == Keyword::local && special_ == Keyword::time;
  add_setting(setting_, token.keyword == Keyword::default_ || local_zone);
}

void PostgresStatementReader::add_setting(std::string_view setting, bool resets) {
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
  } else if (!resets) {
    add_named(Effect::set_parameter, std::string(setting));
  }
  const bool has_default = !is_peculiar || peculiar->effect == Effect::set_role;
  if (resets && has_default) {
    add_named(local_ ? Effect::reset_local : Effect::reset_parameter, std::string(setting));
  }
}

// ... AS TRANSACTION, then any of ISOLATION LEVEL ..., READ ONLY, READ WRITE, [NOT] DEFERRABLE.
void PostgresStatementReader::continue_characteristics(Keyword keyword) {
  switch (keyword) {
    case Keyword::isolation:
      add_setting("default_transaction_isolation", false);
      break;
    case Keyword::only_or_write:
      add_setting("default_transaction_read_only", false);
      break;
    case Keyword::deferrable:
      add_setting("default_transaction_deferrable", false);
      break;
    default:
      break;
  }
  phase_ = Phase::set_characteristics;
}

}  // namespace tidegate::sql
