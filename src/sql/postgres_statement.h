// The grammar above the lexer: follows the first words of every statement, and throughout the text
// the few things that matter wherever they stand (a call of set_config, INTO TEMP). It sees one
// token at a time and never looks ahead; what a token means is settled by the next one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sql/effects.h"
#include "sql/postgres_keywords.h"

namespace tidegate::sql {

class PostgresStatementReader {
 public:
  void begin();

  // An unquoted identifier or keyword, at most kIdentifierBytesMax bytes.
  void word(std::string_view text) {
    const auto keyword = find_keyword(text);
    if (idle() && !is_noticed_anywhere(keyword)) {
      before_ = keyword;
      return;
    }
    take({keyword, text, false});
  }
  // A quoted identifier, without its quotes; `escaped`: written as U&"...".
  void quoted(std::string_view text, bool escaped);
  // A literal, an operator, a number, a comma: what only separates. `last`: its last letter.
  void other(char last = '\0') {
    if (!idle()) symbol('\0');
    before_ = last == ',' ? Keyword::comma : Keyword::none;
  }
  void symbol(char symbol);  // one of ( ) . = or, for all others, '\0'
  void semicolon();
  // The text cannot be followed to its end.
  void lost() { effects_.add(Effect::unreadable); }
  // Whether the statement of that number, counted from 1, is over.
  bool is_behind(int statement) const {
    return effects_.statements == statement && phase_ == Phase::head;
  }
  Effects& finish();

 private:
  enum class Phase : std::uint8_t {
    plain,  // nothing more can come at the front
    head,   // before the first word
    explain,
    explain_options,
    ending,          // COMMIT, ROLLBACK: not yet known whether it is TO or PREPARED
    ending_chained,  // ... AND CHAIN
    prepare,
    prepare_transaction,
    execute,
    deallocate,
    deallocate_prepare,
    discard,
    declare,
    channel,
    create,
    created,
    create_routine,
    routine_body,  // BEGIN ATOMIC ... END
    set,
    set_local,
    set_session,
    set_name,
    set_name_dot,
    set_value,
    set_characteristics,
  };
  // SELECT ... INTO [LOCAL | GLOBAL] TEMP [TABLE] name
  enum class Into : std::uint8_t { no, target, temp };

  struct Token {
    Keyword keyword;
    std::string_view text;
    bool quoted;
  };

  bool idle() const { return phase_ == Phase::plain && into_ == Into::no; }

  void take(Token token);
  void open_statement(const Token& token);
  void continue_statement(const Token& token);
  void continue_ending(Keyword keyword);
  void continue_prepare(const Token& token);
  void continue_deallocate(const Token& token);
  void continue_create(const Token& token);
  void continue_routine(const Token& token);
  void notice_anywhere(const Token& token);
  void continue_into(const Token& token);
  void open_parenthesis(Keyword before);
  void close_parenthesis(Keyword before);
  void end_statement();
  bool creating() const;

  void continue_set(const Token& token);
  void continue_set_scope(const Token& token);
  void begin_setting_name(const Token& token);
  void continue_setting_name(const Token& token);
  void symbol_in_set(char symbol);
  void finish_setting_name(bool more_followed);
  void expect_value(std::string_view setting);
  void take_value(const Token& token);
  void add_setting(std::string_view setting, bool resets);
  void continue_characteristics(Keyword keyword);

  void add_named(Effect effect, std::string text);

  Phase phase_ = Phase::head;
  Into into_ = Into::no;
  Keyword before_ = Keyword::none;   // the token before this one
  Keyword special_ = Keyword::none;  // SET TIME, SET NAMES, ...: the setting's first word
  Effect named_ = Effect::listen;    // in phase `channel`: listen or unlisten
  bool local_ = false;
  bool resetting_ = false;
  bool updating_ = false;  // UPDATE occurred in this statement
  std::uint32_t parentheses_ = 0;
  std::uint32_t config_call_ = 0;  // at which depth the arguments of a set_config(...) stand
  std::uint32_t blocks_ = 0;       // in a routine_body: BEGIN ATOMIC and CASE without their END
  std::string setting_;
  Effects effects_;
};

}  // namespace tidegate::sql
