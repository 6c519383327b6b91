// The scanner against PostgreSQL's own parser (libpg_query): the same statements, the same effects.
// What the parser says is read off its tree, printed as JSON, by looking for the few nodes that
// matter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pg_query.h>

#include <optional>
#include <ostream>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "sql/postgres_scanner.h"

namespace tidegate::sql {

void PrintTo(const Effects& effects, std::ostream* out) {
  *out << effects.statements << " statements, bits " << std::hex << effects.bits << std::dec;
  for (const auto& [effect, text, statement] : effects.names) {
    *out << ", " << static_cast<unsigned>(effect) << " = " << text << " in " << statement;
  }
}

namespace {

// The first group of every match of `pattern`.
std::vector<std::string> all_matches(const std::string& json, const char* pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(json.begin(), json.end(), expression), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

std::string first_match(const std::string& json, const char* pattern) {
  const auto found = all_matches(json, pattern);
  return found.empty() ? "" : found.front();
}

bool contains(const std::string& json, std::string_view part) {
  return json.find(part) != json.npos;
}

class Oracle {
 public:
  Effects effects;

  void read(const std::string& json) {
    ++effects.statements;
    const auto kind = first_match(json, R"re("stmts":\[\{"stmt":\{"(\w+)")re");
    read_transaction(kind, json);
    read_variable(kind, json);
    read_prepared(kind, json);
    read_other(kind, json);
    read_temporary(kind, json);
    read_definition(kind, json);
    read_calls(json);
  }

 private:
  void named(Effect effect, const std::string& name) {
    effects.add(effect);
    effects.names.push_back({effect, name, effects.statements});
  }

  void read_transaction(const std::string& kind, const std::string& json) {
    if (kind != "TransactionStmt") return;
    const auto what = first_match(json, R"re("kind":"TRANS_STMT_(\w+)")re");
    const bool chained = contains(json, "\"chain\":true");
    const bool ends = what == "COMMIT" || what == "ROLLBACK" || what == "PREPARE";
    if (ends) effects.add(Effect::ends_transaction);
    if (what == "ROLLBACK_TO") effects.add(Effect::rolls_back_to);
    if (what == "BEGIN" || what == "START" || chained) effects.add(Effect::opens_transaction);
  }

  // SET TRANSACTION ..., SET transaction_isolation = ...
  static bool belongs_to_transaction(const std::string& what, const std::string& name) {
    return (what == "SET_MULTI" && name.starts_with("transaction")) ||
           name.starts_with("transaction_");
  }

  void read_variable(const std::string& kind, const std::string& json) {
    if (kind == "ConstraintsSetStmt") effects.add(Effect::set_local);
    if (kind != "VariableSetStmt") return;
    const auto what = first_match(json, R"re("kind":"VAR_(\w+)")re");
    auto name = first_match(json, R"re("name":"([^"]*)")re");
    for (auto& c : name) c = ascii_lower(c);
    if (what == "RESET_ALL") {
      named(Effect::reset_all, "*");
    } else if (name == "session characteristics") {
      for (const auto& mode : all_matches(json, R"re("defname":"(\w+)")re")) {
        named(Effect::set_parameter, "default_" + mode);
      }
    } else if (name == "seed") {
      effects.add(Effect::setseed);
    } else {
      read_scope(what, name, contains(json, "\"is_local\":true"));
    }
  }

  void read_scope(const std::string& what, const std::string& name, bool local) {
    const bool resets = what == "RESET" || what == "SET_DEFAULT";
    const bool of_transaction = belongs_to_transaction(what, name);
    const bool of_role = name == "role" || name == "session_authorization";
    if (local || of_transaction) {
      effects.add(Effect::set_local);
    } else if (of_role) {
      effects.add(Effect::set_role);
    } else if (!resets) {
      named(Effect::set_parameter, name);
    }
    if (!resets || of_transaction) return;
    named(local ? Effect::reset_local : Effect::reset_parameter, name);
  }

  void read_prepared(const std::string& kind, const std::string& json) {
    const auto name = first_match(json, R"re(Stmt":\{"name":"([^"]*)")re");
    if (kind == "PrepareStmt") named(Effect::sql_prepare, name);
    if (contains(json, "\"ExecuteStmt\"")) named(Effect::sql_execute, name);
    if (kind != "DeallocateStmt") return;
    if (name.empty()) {
      effects.add(Effect::sql_deallocate_all);
    } else {
      named(Effect::sql_deallocate, name);
    }
  }

  // The trees of CREATE, ALTER and DROP have dozens of names; these are the ones of the corpus.
  void read_definition(const std::string& kind, const std::string& json) {
    const bool explained = kind == "ExplainStmt" && contains(json, "\"CreateTableAsStmt\"");
    const bool defines = kind.starts_with("Create") || kind.starts_with("Alter") ||
                         kind.starts_with("Drop") || kind == "IndexStmt" || kind == "RuleStmt" ||
                         kind == "ViewStmt" || kind == "DefineStmt" || kind == "RenameStmt" ||
                         kind.starts_with("Import") || contains(json, "\"intoClause\"") ||
                         contains(json, "TRANS_STMT_COMMIT_PREPARED") ||
                         contains(json, "TRANS_STMT_ROLLBACK_PREPARED") || explained;
    if (defines) effects.add(Effect::defines);
  }

  void read_other(const std::string& kind, const std::string& json) {
    if (kind == "ClosePortalStmt") effects.add(Effect::closes_cursor);
    if (kind == "DiscardStmt") {
      const bool all = contains(json, "DISCARD_ALL");
      effects.add(all ? Effect::discard_all : Effect::discard_other);
    }
    const auto channel = first_match(json, R"re("conditionname":"([^"]*)")re");
    if (kind == "ListenStmt") named(Effect::listen, channel);
    if (kind == "NotifyStmt") effects.add(Effect::notify);
    if (kind == "UnlistenStmt") named(Effect::unlisten, channel.empty() ? "*" : channel);
    if (kind == "DeclareCursorStmt") {
      constexpr int kWithHold = 0x20;  // CURSOR_OPT_HOLD
      const auto options = std::stoi("0" + first_match(json, R"re("options":(\d+))re"));
      if ((options & kWithHold) != 0) effects.add(Effect::cursor_with_hold);
    }
    if (kind == "LoadStmt") effects.add(Effect::load);
    if (kind == "DoStmt" || kind == "CallStmt") effects.add(Effect::opaque);
  }

  void read_temporary(const std::string& kind, const std::string& json) {
    const bool creates = kind.starts_with("Create") || kind == "ViewStmt" ||
                         contains(json, "\"CreateTableAsStmt\"") ||
                         contains(json, "\"intoClause\"");
    const bool temporary = contains(json, R"("relpersistence":"t")") ||
                           contains(json, R"("schemaname":"pg_temp)") ||
                           contains(json, R"("funcname":[{"String":{"sval":"pg_temp"})");
    if (creates && temporary) effects.add(Effect::temp_object);
  }

  void read_calls(const std::string& json) {
    const bool updates = contains(json, "\"UpdateStmt\"");
    if (updates && contains(json, R"("relname":"pg_settings")")) effects.add(Effect::set_config);
    for (const auto& name : all_matches(json, R"re("sval":"(\w+)"\}\}\],"args")re")) call(name);
    for (const auto& name :
         all_matches(json, R"re("FuncCall":\{"funcname":\[[^\]]*"(\w+)"\}\}\])re")) {
      call(name);
    }
  }

  void call(const std::string& name) {
    if (name == "set_config") effects.add(Effect::set_config);
    if (name == "setseed") effects.add(Effect::setseed);
    if (name == "pg_notify") effects.add(Effect::notify);
    if (name == "query_to_xml" || name == "ts_stat") effects.add(Effect::opaque);
    if (name == "pg_create_physical_replication_slot") effects.add(Effect::session_function);
    const bool lock = name == "pg_advisory_lock" || name == "pg_try_advisory_lock";
    if (lock || name == "pg_advisory_lock_shared") effects.add(Effect::advisory_lock);
    if (name.starts_with("pg_advisory_unlock")) effects.add(Effect::advisory_unlock);
  }
};

// libpg_query's lexer was changed to report comments, whereby it lost one rule of PostgreSQL's: a
// comment may stand between the parts of a string (`E'a' --\n'b'` is one). psql agrees with us.
bool continues_string_behind_comment(const std::string& text) {
  static const std::regex continuation(R"re(['](\s|--[^\n\r]*[\n\r])*--[^\n\r]*[\n\r]\s*['])re");
  return std::regex_search(text, continuation);
}

// Nothing when PostgreSQL refuses the text.
std::optional<Effects> ask_postgres(const std::string& text) {
  const auto split = pg_query_split_with_parser(text.c_str());
  const bool refused = split.error != nullptr;
  Oracle oracle;
  for (int i = 0; !refused && i < split.n_stmts; ++i) {
    const auto& place = *split.stmts[i];
    const auto statement = text.substr(static_cast<std::size_t>(place.stmt_location),
                                       static_cast<std::size_t>(place.stmt_len));
    const auto tree = pg_query_parse(statement.c_str());
    if (tree.error == nullptr) oracle.read(tree.parse_tree);
    EXPECT_EQ(tree.error, nullptr) << statement;
    pg_query_free_parse_result(tree);
  }
  pg_query_free_split_result(split);
  if (refused) return std::nullopt;
  return oracle.effects;
}

const std::string kStatements[] = {
    "SELECT abalance FROM pgbench_accounts WHERE aid = 12345",
    "UPDATE pgbench_tellers SET tbalance = tbalance + -7 WHERE tid = 3",
    "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, 4, "
    "CURRENT_TIMESTAMP)",
    "copy pgbench_accounts from stdin with (freeze on)",
    "vacuum analyze pgbench_branches",
    "alter table pgbench_branches add primary key (bid)",
    "truncate table pgbench_accounts, pgbench_branches",
    "WITH a AS (SELECT 1), b AS (SELECT 2) SELECT * FROM a, b",
    "(SELECT 1) UNION ALL (SELECT 2 ORDER BY 1)",
    "VALUES (1, 2), (3, 4)",
    "TABLE t",
    "SELECT CASE WHEN a THEN b END AS end, t.end, x AS case FROM t",
    "SELECT * FROM t FOR UPDATE OF t NOWAIT",
    "DELETE FROM t USING u WHERE t.a = u.a RETURNING *",
    "MERGE INTO temp USING s ON temp.a = s.a WHEN MATCHED THEN DELETE",
    "INSERT INTO temporary VALUES (1) ON CONFLICT DO NOTHING",
    "SHOW ALL",
    "SAVEPOINT s",
    "ROLLBACK TO SAVEPOINT s",
    "ROLLBACK WORK TO s",
    "RELEASE SAVEPOINT s",
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "NOTIFY c, 'payload'",
    "LOCK TABLE t IN EXCLUSIVE MODE",
    "FETCH FORWARD 5 FROM c",
    "CLOSE ALL",
    "BEGIN",
    "BEGIN WORK ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
    "START TRANSACTION READ WRITE",
    "COMMIT",
    "COMMIT WORK AND CHAIN",
    "COMMIT TRANSACTION AND NO CHAIN",
    "END",
    "ROLLBACK",
    "ROLLBACK AND CHAIN",
    "ABORT TRANSACTION",
    "PREPARE TRANSACTION 'x'",
    "SET work_mem = '1MB'",
    "SET work_mem TO DEFAULT",
    "SET SESSION work_mem = 1",
    "SET LOCAL work_mem = 1",
    "SET \"Work_Mem\" = 1",
    "SET a.b = 1",
    "SET a.b.c TO x, y, 3",
    "SET session.x = 1",
    "SET local.x = 1",
    "SET session = 1",
    "SET local TO 1",
    "SET SESSION session.x = 1",
    "SET LOCAL local.x = 1",
    "SET names.x = 1",
    "SET role.x = 1",
    "SET schema.x = 1",
    "SET names TO 1",
    "SET transaction = 1",
    "SET constraints TO 1",
    "SET x FROM CURRENT",
    "SET TIME ZONE 'UTC'",
    "SET TIME ZONE LOCAL",
    "SET TIME ZONE INTERVAL '1' HOUR TO MINUTE",
    "SET LOCAL TIME ZONE -7",
    "SET time TO 1",
    "SET NAMES",
    "SET NAMES DEFAULT",
    "SET NAMES 'UTF8'",
    "SET SCHEMA 'a'",
    "SET XML OPTION CONTENT",
    "SET xml = 1",
    "SET ROLE bob",
    "SET ROLE 'bob'",
    "SET ROLE NONE",
    "SET role TO bob",
    "SET LOCAL ROLE bob",
    "SET SESSION ROLE bob",
    "SET SESSION AUTHORIZATION bob",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET LOCAL SESSION AUTHORIZATION 'bob'",
    "SET SESSION SESSION AUTHORIZATION 'bob'",
    "SET session_authorization = bob",
    "SET SEED TO 0.5",
    "SET LOCAL seed = 0.5",
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL TRANSACTION READ ONLY",
    "SET TRANSACTION SNAPSHOT 'x'",
    "SET transaction_isolation = 'serializable'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE, NOT DEFERRABLE",
    "SET CONSTRAINTS ALL DEFERRED",
    "SET CONSTRAINTS a, b IMMEDIATE",
    "RESET work_mem",
    "RESET a.b",
    "RESET ALL",
    "RESET \"all\"",
    "RESET TIME ZONE",
    "RESET SESSION AUTHORIZATION",
    "RESET session",
    "RESET ROLE",
    "RESET TRANSACTION ISOLATION LEVEL",
    "DISCARD ALL",
    "DISCARD PLANS",
    "DISCARD TEMPORARY",
    "LISTEN Channel",
    "LISTEN \"Channel\"",
    "UNLISTEN *",
    "UNLISTEN channel",
    "NOTIFY channel",
    "NOTIFY channel, 'payload'",
    "SELECT pg_notify('channel', 'payload')",
    "PREPARE s AS SELECT 1",
    "PREPARE s (int, text) AS INSERT INTO t VALUES ($1, $2)",
    "PREPARE transaction AS SELECT 1",
    "PREPARE transaction (int) AS SELECT $1",
    "EXECUTE s",
    "EXECUTE \"S\" (1, 2)",
    "EXPLAIN EXECUTE s",
    "EXPLAIN ANALYZE VERBOSE EXECUTE s",
    "EXPLAIN (ANALYZE, BUFFERS ON) EXECUTE s (1)",
    "EXPLAIN (SELECT 1)",
    "EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1",
    "CREATE TABLE t AS EXECUTE s",
    "CREATE TEMP TABLE t AS EXECUTE s (1)",
    "DEALLOCATE s",
    "DEALLOCATE PREPARE s",
    "DEALLOCATE prepare",
    "DEALLOCATE PREPARE prepare",
    "DEALLOCATE ALL",
    "DEALLOCATE PREPARE ALL",
    "DECLARE c CURSOR FOR SELECT 1",
    "DECLARE c BINARY INSENSITIVE NO SCROLL CURSOR WITH HOLD FOR SELECT 1",
    "DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1",
    "DECLARE hold CURSOR FOR WITH hold AS (SELECT 1) SELECT * FROM hold",
    "LOAD 'x'",
    "DO $$ BEGIN COMMIT; END $$",
    "DO LANGUAGE plpgsql $x$ BEGIN; $$ $x$",
    "CALL p(1)",
    "CREATE TABLE t (a int, b text DEFAULT ';')",
    "CREATE TEMP TABLE t (a int)",
    "CREATE LOCAL TEMPORARY TABLE IF NOT EXISTS t (a int) ON COMMIT DROP",
    "CREATE UNLOGGED TABLE t (a int)",
    "CREATE TABLE pg_temp.t (a int)",
    "CREATE TABLE temp (temporary int)",
    "CREATE OR REPLACE TEMP VIEW v AS SELECT 1",
    "CREATE TEMP RECURSIVE VIEW v (n) AS VALUES (1)",
    "CREATE TEMP SEQUENCE s",
    "CREATE SEQUENCE pg_temp.s",
    "CREATE OR REPLACE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP TABLE t AS SELECT 1",
    "SELECT 1 INTO t",
    "SELECT 1 INTO TEMP t",
    "SELECT a INTO LOCAL TEMPORARY TABLE t FROM b",
    "SELECT a INTO pg_temp.t FROM b",
    "SELECT a INTO TABLE t FROM b",
    "WITH a AS (SELECT 1) SELECT * INTO TEMP t FROM a",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (NOTIFY a; DELETE FROM u; SELECT 1)",
    "CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE PROCEDURE f()",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END",
    "CREATE OR REPLACE PROCEDURE p(a int) LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (a); END",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end, t.case FROM t; END",
    "CREATE FUNCTION f(a int) RETURNS int RETURN a + 1",
    "SELECT set_config('a', 'b', false)",
    "SELECT pg_catalog.set_config('a', 'b', false)",
    "SELECT \"pg_catalog\".\"set_config\"('a', 'b', false)",
    "SELECT set_config FROM setseed",
    "SELECT (SELECT pg_advisory_lock(1)), pg_advisory_xact_lock(1)",
    "SELECT pg_try_advisory_lock(1, 2) AND pg_advisory_unlock(3)",
    "SELECT pg_advisory_unlock_all()",
    "SELECT setseed(0.5), random()",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT pg_create_physical_replication_slot('a', false, true)",
    "UPDATE pg_settings SET setting = 'x'",
    "WITH x AS (UPDATE pg_settings SET setting = 'x' RETURNING *) SELECT * FROM x",
    "SELECT * FROM pg_settings",
    "GRANT SET, ALTER SYSTEM ON PARAMETER work_mem TO bob",
    "ALTER DATABASE d SET work_mem = 1",
    "ALTER FUNCTION f() RESET ALL",
    "SELECT U&'\\0041', E'\\'; BEGIN', B'01', X'1f', N'x', $$;$$, $a$;$$;$a$, \";\"",
};

TEST(ScannerOracle, AgreesOnEveryStatement) {
  for (const auto& statement : kStatements) {
    const auto expected = ask_postgres(statement);
    ASSERT_TRUE(expected) << "PostgreSQL refuses: " << statement;
    EXPECT_EQ(PostgresScanner::scan(as_bytes(statement)), *expected) << statement;
  }
}

TEST(ScannerOracle, AgreesOnPairs) {
  for (const auto& first : kStatements) {
    const auto& second = kStatements[std::hash<std::string>{}(first) % std::size(kStatements)];
    const auto text = ";; " + first + " ; /* ; */ " + second + "; -- ; x";
    const auto expected = ask_postgres(text);
    ASSERT_TRUE(expected) << "PostgreSQL refuses: " << text;
    EXPECT_EQ(PostgresScanner::scan(as_bytes(text)), *expected) << text;
  }
}

// Comments where the blanks were, and letters in the other case.
TEST(ScannerOracle, AgreesInDisguise) {
  for (const auto& statement : kStatements) {
    if (statement.find_first_of("'\"$") != statement.npos) continue;
    std::string text;
    for (const char c : statement) {
      const bool lower_case = c >= 'a' && c <= 'z';
      if (c == ' ') {
        text += "/* ; ' /* \" */ $$ */\n-- BEGIN; '\n";
      } else if (text.size() % 2 == 0 && lower_case) {
        text += static_cast<char>(c - 32);
      } else {
        text += ascii_lower(c);
      }
    }
    const auto expected = ask_postgres(text);
    ASSERT_TRUE(expected) << "PostgreSQL refuses: " << text;
    EXPECT_EQ(PostgresScanner::scan(as_bytes(text)), *expected) << text;
  }
}

// Random heaps of what opens, closes and escapes. Most are refused by PostgreSQL's lexer; of the
// others both must see the same statements.
TEST(ScannerOracle, AgreesOnTheEndsOfLiteralsAndComments) {
  static constexpr std::string_view kPieces[] = {
      "'",    "''",       "'",        "E'",       "e'",     "b'",   "x'", "n'", "U&'",
      "U&\"", "\"",       "\"\"",     "\\",       "\\'",    "\\\\", "$",  "$$", "$a$",
      "$ab$", "$1",       "a",        "a$",       "E",      "u",    "&",  "--", "-",
      "/",    "*",        "/*",       "*/",       "\n",     "\r",   " ",  "\t", "1",
      "1.5",  "\xc3\xa9", ";SELECT ", ";SELECT ", "'a'\n'", "/**/",
  };
  std::mt19937 random(20240601);
  int compared = 0;
  for (int round = 0; round < 400'000; ++round) {
    std::string text = "SELECT ";
    for (auto left = 2 + random() % 14; left > 0; --left) {
      text += kPieces[random() % std::size(kPieces)];
    }
    const auto split = pg_query_split_with_scanner(text.c_str());
    if (split.error == nullptr && !continues_string_behind_comment(text)) {
      ++compared;
      const auto effects = PostgresScanner::scan(as_bytes(text));
      ASSERT_EQ(effects.statements, split.n_stmts) << testing::PrintToString(text);
    }
    pg_query_free_split_result(split);
  }
  EXPECT_GT(compared, 20'000);
}

}  // namespace
}  // namespace tidegate::sql
