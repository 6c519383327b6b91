#include "sql/postgres_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace tidegate::sql {

void PrintTo(const Effects& effects, std::ostream* out) {
  *out << effects.statements << " statements, effects";
  for (unsigned i = 0; i < static_cast<unsigned>(Effect::count_); ++i) {
    if (effects.has(static_cast<Effect>(i))) *out << ' ' << i;
  }
  for (const auto& [effect, text, statement] : effects.names) {
    *out << ", " << static_cast<unsigned>(effect) << " = " << text << " in " << statement;
  }
}

namespace {

using enum Effect;

struct Case {
  std::string_view text;
  std::vector<Effect> effects;
  std::vector<Effects::Name> names = {};
  int statements = 1;
  bool standard_strings = true;
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.text;
}

const Case kHarmless[] = {
    {"", {}, {}, 0},
    {" \t\r\n\f -- only a comment\n ; /* and ; another */ ;", {}, {}, 0},
    {"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;", {}},
    {"UPDATE pgbench_accounts SET abalance = abalance + -1405 WHERE aid = 81823;", {}},
    {"INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 2, 3, 4, "
     "CURRENT_TIMESTAMP)",
     {}},
    {"SELECT 1; SELECT 2 ;; SELECT 3", {}, {}, 3},
    {"(SELECT 1) UNION (SELECT 2);", {}},
    {"$1", {}},
    {"SHOW search_path", {}},
    {"SAVEPOINT a; RELEASE a", {}, {}, 2},
    {"COMMIT PREPARED 'x'; ROLLBACK PREPARED 'x'", {defines}, {}, 2},
    {"COPY t FROM STDIN WITH (FORMAT csv)", {}},
    {"ALTER ROLE bob SET search_path = app", {defines}},
    {"ALTER SYSTEM SET work_mem = '1GB'", {defines}},
    {"UPDATE t SET role = 'x', local = 'y'", {}},
    {"INSERT INTO temp VALUES (1)", {}},
    {"MERGE INTO temporary USING s ON true WHEN MATCHED THEN DELETE", {}},
    {"SELECT * INTO copy_of_t FROM t", {defines}},
    {"SELECT * FROM pg_temp.t", {}},
    {"SELECT set_config, setseed FROM t", {}},
    {"SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)", {}},
    {"SELECT xset_config(1), set_configx(1), set_config$(1), éset_config(1)", {}},
    {"SELECT \"SET_CONFIG\"('a', 'b', false)", {}},
    {"SELECT 'set_config(1)', \"set_config(\" FROM t", {}},
    {"SELECT * FROM pg_settings", {}},
    {"SELECT * FROM pg_settings FOR SHARE; UPDATE t SET a = 1", {}, {}, 2},
    {"DECLARE c CURSOR FOR SELECT 1 WITH HOLD", {}},
    {"DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1", {}},
    {"EXPLAIN (ANALYZE, FORMAT json) SELECT 1", {}},
    {"CREATE TABLE temp (a int)", {defines}},
    {"CREATE INDEX ON t (a)", {defines}},
    {"create view v AS SELECT 1", {defines}},
    {"Alter Table t ADD b int", {defines}},
    {"/* now */ DROP TABLE t", {defines}},
    {"SELECT 'CREATE', \"drop\" FROM alter", {}},
    {"CREATE TRIGGER t AFTER INSERT ON t EXECUTE FUNCTION f()", {defines}},
    {"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$", {defines}},
    {"CREATE RULE r AS ON INSERT TO t DO ALSO (NOTIFY a; DELETE FROM u)", {defines}},
    {"GRANT EXECUTE ON FUNCTION f(int) TO bob", {}},
    {"SET", {}},
};

const Case kSettings[] = {
    {"SET work_mem = '1MB'", {set_parameter}, {{set_parameter, "work_mem"}}},
    {"set Search_Path to a, b", {set_parameter}, {{set_parameter, "search_path"}}},
    {"SET \"Search_Path\" TO a", {set_parameter}, {{set_parameter, "search_path"}}},
    {"SET SESSION work_mem TO DEFAULT", {reset_parameter}, {{reset_parameter, "work_mem"}}},
    {"SET app.user /* the */ = -- tenant\n 'x'", {set_parameter}, {{set_parameter, "app.user"}}},
    {"SET a . b . c TO 1", {set_parameter}, {{set_parameter, "a.b.c"}}},
    {"SET session.x = 1", {set_parameter}, {{set_parameter, "session.x"}}},
    {"SET local.x = 1", {set_parameter}, {{set_parameter, "local.x"}}},
    {"SET local TO 1", {set_parameter}, {{set_parameter, "local"}}},
    {"SET session = 1", {set_parameter}, {{set_parameter, "session"}}},
    {"SET names.x = 1", {set_parameter}, {{set_parameter, "names.x"}}},
    {"SET x FROM CURRENT", {set_parameter}, {{set_parameter, "x"}}},
    {"SET TIME ZONE 'UTC'", {set_parameter}, {{set_parameter, "timezone"}}},
    {"SET SESSION TIME ZONE LOCAL", {reset_parameter}, {{reset_parameter, "timezone"}}},
    {"SET NAMES 'utf8'", {set_parameter}, {{set_parameter, "client_encoding"}}},
    {"SET NAMES", {reset_parameter}, {{reset_parameter, "client_encoding"}}},
    {"SET NAMES DEFAULT", {reset_parameter}, {{reset_parameter, "client_encoding"}}},
    {"SET SCHEMA 'a'", {set_parameter}, {{set_parameter, "search_path"}}},
    {"SET XML OPTION DOCUMENT", {set_parameter}, {{set_parameter, "xmloption"}}},
    {"RESET work_mem", {reset_parameter}, {{reset_parameter, "work_mem"}}},
    {"RESET app.user;", {reset_parameter}, {{reset_parameter, "app.user"}}},
    {"RESET TIME ZONE", {reset_parameter}, {{reset_parameter, "timezone"}}},
    {"RESET \"all\"", {reset_parameter}, {{reset_parameter, "all"}}},
    {"RESET session", {reset_parameter}, {{reset_parameter, "session"}}},
    {"RESET ALL", {reset_all}, {{reset_all, "*"}}},
    {"SET a = 1; RESET b",
     {set_parameter, reset_parameter},
     {{set_parameter, "a", 1}, {reset_parameter, "b", 2}},
     2},
    {"SELECT 1;; RESET ALL; SET a = default",
     {reset_all, reset_parameter},
     {{reset_all, "*", 2}, {reset_parameter, "a", 3}},
     3},
    {"SET a TO DEFAULT", {reset_parameter}, {{reset_parameter, "a"}}},
    {"SET default TO 1", {set_parameter}, {{set_parameter, "default"}}},
    {"SET a TO \"default\"", {set_parameter}, {{set_parameter, "a"}}},
    {"SET a TO 'DEFAULT'", {set_parameter}, {{set_parameter, "a"}}},
    {"SET a = default_, default", {set_parameter}, {{set_parameter, "a"}}},
    {"SET TIME ZONE DEFAULT", {reset_parameter}, {{reset_parameter, "timezone"}}},
    {"SET timezone TO LOCAL", {set_parameter}, {{set_parameter, "timezone"}}},
    {"SET LOCAL a TO DEFAULT", {set_local, reset_local}, {{reset_local, "a"}}},
    {"SET LOCAL TIME ZONE LOCAL", {set_local, reset_local}, {{reset_local, "timezone"}}},
    {"SET transaction_isolation TO DEFAULT", {set_local}},
    {"ALTER ROLE bob SET a TO DEFAULT", {defines}},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
     {set_parameter},
     {{set_parameter, "default_transaction_isolation"},
      {set_parameter, "default_transaction_read_only"}}},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION NOT DEFERRABLE",
     {set_parameter},
     {{set_parameter, "default_transaction_deferrable"}}},
    {"SET LOCAL work_mem = '1MB'", {set_local}},
    {"SET LOCAL ROLE bob", {set_local}},
    {"SET LOCAL TIME ZONE 'UTC'", {set_local}},
    {"SET LOCAL SESSION AUTHORIZATION bob", {set_local}},
    {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", {set_local}},
    {"SET TRANSACTION SNAPSHOT '00000003-0000001B-1'", {set_local}},
    {"SET transaction_read_only = on", {set_local}},
    {"SET CONSTRAINTS ALL DEFERRED", {set_local}},
    {"SET ROLE bob", {set_role}},
    {"SET ROLE 'bob'", {set_role}},
    {"SET role = bob", {set_role}},
    {"SET ROLE NONE", {set_role}},
    {"RESET ROLE", {set_role, reset_parameter}, {{reset_parameter, "role"}}},
    {"SET SESSION ROLE bob", {set_role}},
    {"SET SESSION AUTHORIZATION bob", {set_role}},
    {"SET SESSION SESSION AUTHORIZATION DEFAULT",
     {set_role, reset_parameter},
     {{reset_parameter, "session_authorization"}}},
    {"RESET SESSION AUTHORIZATION",
     {set_role, reset_parameter},
     {{reset_parameter, "session_authorization"}}},
    {"SET session_authorization = 'bob'", {set_role}},
    {"SET SEED TO 0.5", {setseed}},
};

const Case kStatements[] = {
    {"BEGIN", {opens_transaction}},
    {"begin isolation level serializable;", {opens_transaction}},
    {"START TRANSACTION READ ONLY", {opens_transaction}},
    {"COMMIT", {ends_transaction}},
    {"END WORK", {ends_transaction}},
    {"ROLLBACK TRANSACTION", {ends_transaction}},
    {"ABORT", {ends_transaction}},
    {"COMMIT AND CHAIN", {ends_transaction, opens_transaction}},
    {"ROLLBACK AND NO CHAIN", {ends_transaction}},
    {"PREPARE TRANSACTION 'id'", {ends_transaction}},
    {"SAVEPOINT a; ROLLBACK TO a", {rolls_back_to}, {}, 2},
    {"ROLLBACK WORK TO SAVEPOINT a", {rolls_back_to}},
    {"BEGIN; SELECT 1; COMMIT;", {opens_transaction, ends_transaction}, {}, 3},
    {"PREPARE s AS SELECT 1", {sql_prepare}, {{sql_prepare, "s"}}},
    {"PREPARE \"S\"(int) AS SELECT $1", {sql_prepare}, {{sql_prepare, "S"}}},
    {"PREPARE transaction AS SELECT 1", {sql_prepare}, {{sql_prepare, "transaction"}}},
    {"PREPARE transaction(int) AS SELECT 1", {sql_prepare}, {{sql_prepare, "transaction"}}},
    {"EXECUTE s(1)", {sql_execute}, {{sql_execute, "s"}}},
    {"EXPLAIN ANALYZE VERBOSE EXECUTE s", {sql_execute}, {{sql_execute, "s"}}},
    {"EXPLAIN (ANALYZE (1)) EXECUTE s", {sql_execute}, {{sql_execute, "s"}}},
    {"CREATE TABLE t AS EXECUTE s", {defines, sql_execute}, {{sql_execute, "s"}}},
    {"CREATE TEMP TABLE t AS EXECUTE s", {defines, sql_execute, temp_object}, {{sql_execute, "s"}}},
    {"DEALLOCATE s", {sql_deallocate}, {{sql_deallocate, "s"}}},
    {"DEALLOCATE PREPARE s", {sql_deallocate}, {{sql_deallocate, "s"}}},
    {"DEALLOCATE prepare", {sql_deallocate}, {{sql_deallocate, "prepare"}}},
    {"DEALLOCATE \"all\"", {sql_deallocate}, {{sql_deallocate, "all"}}},
    {"DEALLOCATE ALL", {sql_deallocate_all}},
    {"DEALLOCATE PREPARE ALL", {sql_deallocate_all}},
    {"DISCARD ALL", {discard_all}},
    {"DISCARD PLANS; DISCARD SEQUENCES; DISCARD TEMP", {discard_other}, {}, 3},
    {"LISTEN Jobs", {listen}, {{listen, "jobs"}}},
    {"UNLISTEN \"Jobs\"", {unlisten}, {{unlisten, "Jobs"}}},
    {"UNLISTEN *", {unlisten}, {{unlisten, "*"}}},
    {"NOTIFY jobs", {notify}},
    {"NOTIFY \"Jobs\", 'one'; SELECT 1", {notify}, {}, 2},
    {"SELECT pg_notify('jobs', 'one')", {notify}},
    {"SELECT pg_catalog.\"pg_notify\"('jobs', 'one')", {notify}},
    {"SELECT pg_notify FROM notify", {}},
    {"DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1", {cursor_with_hold}},
    {"CLOSE c", {closes_cursor}},
    {"LOAD 'auto_explain'", {load}},
    {"DO $$ BEGIN PERFORM 1; END $$", {opaque}},
    {"CALL p(1)", {opaque}},
};

const Case kTemporary[] = {
    {"CREATE TEMP TABLE t (a int)", {defines, temp_object}},
    {"CREATE TEMPORARY SEQUENCE s", {defines, temp_object}},
    {"create local temporary table t (a int) on commit drop", {defines, temp_object}},
    {"CREATE GLOBAL TEMP TABLE t (a int)", {defines, temp_object}},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", {defines, temp_object}},
    {"CREATE TABLE pg_temp.t (a int)", {defines, temp_object}},
    {"CREATE TABLE \"pg_temp\" . t (a int)", {defines, temp_object}},
    {"CREATE FUNCTION PG_TEMP.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", {defines, temp_object}},
    {"CREATE TABLE pg_temp_3.t (a int)", {defines, temp_object}},
    {"SELECT 1 INTO TEMP t", {defines, temp_object}},
    {"SELECT 1 INTO LOCAL TEMPORARY TABLE t", {defines, temp_object}},
    {"SELECT 1 INTO TABLE pg_temp.t", {defines, temp_object}},
    {"WITH a AS (SELECT 1) SELECT * INTO TEMP t FROM a", {defines, temp_object}},
    {"EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", {defines, temp_object}},
};

const Case kFunctions[] = {
    {"SELECT set_config('a', 'b', false)", {set_config}},
    {"SELECT pg_catalog.set_config('a', 'b', false)", {set_config}},
    {"SELECT pg_catalog . \"set_config\" /* now */ ('a', 'b', false)", {set_config}},
    {"SELECT Set_Config -- now\n ('a', 'b', false)", {set_config}},
    {"SELECT U&\"set_config\"('a', 'b', false)", {set_config}},
    {"SELECT u&\"set\\005fconfig\"('a', 'b', false)", {unreadable}},
    {"SELECT U&\"set_c!006fnfig\" UESCAPE '!' ('a', 'b', false)", {unreadable}},
    {"WITH a AS (SELECT set_config('a', 'b', true)) UPDATE t SET b = 1", {set_local}},
    {"SELECT set_config($1, $2, TRUE), set_config('c', (SELECT f(x, y)), /* */ true) FROM t",
     {set_local}},
    {"SELECT set_config('a', 'b', true), set_config('c', 'd', false)", {set_local, set_config}},
    {"SELECT set_config('a', 'b', NOT true)", {set_config}},
    {"SELECT set_config('a', 'b', x = true)", {set_config}},
    {"SELECT set_config('a', 'b', true AND x)", {set_config}},
    {"SELECT set_config('a', 'b', \"true\")", {set_config}},
    {"SELECT set_config('a', 'b', true::text::bool)", {set_config}},
    {"SELECT set_config('a', 'b', 't'), set_config('a', 'b', $3), set_config(a, b)", {set_config}},
    {"SELECT set_config('a', f(1, true), x)", {set_config}},
    {"SELECT set_config('a', set_config('b', 'c', false), true)", {set_config, set_local}},
    {"SELECT set_config('a', 'b', true; SELECT 1", {set_config}},
    {"SELECT f(a, true), true FROM t WHERE (a, true) = b", {}},
    {"COPY (SELECT set_config('a', 'b', false)) TO STDOUT", {set_config}},
    {"UPDATE pg_settings SET setting = 'b' WHERE name = 'a'", {set_config}},
    {"UPDATE pg_catalog.\"pg_settings\" SET setting = 'b'", {set_config}},
    {"SELECT pg_advisory_lock(1)", {advisory_lock}},
    {"SELECT \"pg_advisory_lock\"(1)", {advisory_lock}},
    {"SELECT pg_try_advisory_lock_shared(1, 2)", {advisory_lock}},
    {"SELECT pg_advisory_unlock_all()", {advisory_unlock}},
    {"SELECT setseed(0.5), random()", {setseed}},
    {"SELECT pg_create_logical_replication_slot('a', 'b', true)", {session_function}},
    {"SELECT public.dblink_connect('a', 'host=b')", {session_function}},
    {"SELECT query_to_xml('SELECT 1', true, true, '')", {opaque}},
};

const Case kLiterals[] = {
    {"SELECT 'a''; BEGIN; '", {}},
    {"SELECT 'a\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT 'a\\'; BEGIN; '", {}, {}, 1, false},
    {"SELECT E'a\\'; BEGIN; '", {}},
    {"SELECT e'\\\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT x'\\'; BEGIN", {opens_transaction}, {}, 2, false},
    {"SELECT N'a\\'; BEGIN; '", {}, {}, 1, false},
    {"SELECT fooe'a\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT E'a'\n'b\\'; BEGIN; '", {}},
    {"SELECT E'a' -- then\n\t'b\\'; BEGIN; '", {}},
    {"SELECT E'a' 'b\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT E'a' /* \n */ 'b\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT E'a',\n'b\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT B'1'\n'\\'; BEGIN", {opens_transaction}, {}, 2, false},
    {"SELECT U&'a\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT u & 'a\\'; BEGIN", {opens_transaction}, {}, 2},
    {"SELECT $$a; BEGIN; $x$ ' $$; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT $tag$; BEGIN; $$ $ta$tagx$tag$; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT a$b$; BEGIN; SELECT $b$c", {opens_transaction}, {}, 3},
    {"SELECT $1; BEGIN; SELECT $1", {opens_transaction}, {}, 3},
    {"SELECT 1$$; BEGIN; $$", {}},
    {"SELECT \"a\"\"; BEGIN; \"", {}},
    {"SELECT \"a'\"; BEGIN; SELECT \"'\"", {opens_transaction}, {}, 3},
    {"SELECT 1 --; BEGIN\n; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT 1 --; BEGIN\r; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT 1 /* /* ; */ ; BEGIN; **/; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT 1 /*/ ; BEGIN */; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT 2 */* ; BEGIN; */ 3; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT 2 - - 3 / 4; COMMIT", {ends_transaction}, {}, 2},
    {"SELECT 1.5e-3, .5, 1e5, 0x1f; COMMIT", {ends_transaction}, {}, 2},
};

const Case kRoutines[] = {
    {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; COMMIT",
     {defines, ends_transaction},
     {},
     2},
    {"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END", {defines}},
    {"CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 END; END; "
     "BEGIN",
     {defines, opens_transaction},
     {},
     2},
    {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end, t.end FROM t; END; BEGIN",
     {defines, opens_transaction},
     {},
     2},
    {"CREATE FUNCTION f(begin atomic) RETURNS int LANGUAGE sql AS 'x'; COMMIT",
     {defines, ends_transaction},
     {},
     2},
};

Effects expected(const Case& test) {
  Effects effects;
  for (const auto effect : test.effects) effects.add(effect);
  effects.statements = test.statements;
  effects.names = test.names;
  return effects;
}

class ScannerTest : public testing::TestWithParam<Case> {};

TEST_P(ScannerTest, TellsTheEffects) {
  const auto& test = GetParam();
  EXPECT_EQ(PostgresScanner::scan(as_bytes(test.text), {test.standard_strings}), expected(test));
}

TEST_P(ScannerTest, TellsTheSameCutAtEveryByte) {
  const auto& test = GetParam();
  PostgresScanner scanner;
  for (std::size_t cut = 0; cut <= test.text.size(); ++cut) {
    scanner.begin({test.standard_strings});
    scanner.push(as_bytes(test.text.substr(0, cut)));
    scanner.push(as_bytes(test.text.substr(cut)));
    EXPECT_EQ(scanner.finish(), expected(test)) << "cut at " << cut;
  }
}

TEST_P(ScannerTest, TellsTheSameByteByByte) {
  const auto& test = GetParam();
  PostgresScanner scanner;
  scanner.begin({test.standard_strings});
  for (const char& c : test.text) scanner.push(as_bytes({&c, 1}));
  EXPECT_EQ(scanner.finish(), expected(test));
}

TEST_P(ScannerTest, TellsTheSameBehindALongTextAndInUpperCase) {
  const auto& test = GetParam();
  std::string upper(test.text);
  for (auto& c : upper) {
    // Quoted names and those that are told keep their case.
    if (test.names.empty() && c >= 'a' && c <= 'z' && test.text.find('"') == test.text.npos)
      c -= 32;
  }
  const std::string filler = "SELECT '" + std::string(1 << 16, 'x') + "';";
  auto with_filler = expected(test);
  ++with_filler.statements;
  for (auto& name : with_filler.names) ++name.statement;
  EXPECT_EQ(PostgresScanner::scan(as_bytes(filler + upper), {test.standard_strings}), with_filler);
}

INSTANTIATE_TEST_SUITE_P(Harmless, ScannerTest, testing::ValuesIn(kHarmless));
INSTANTIATE_TEST_SUITE_P(Settings, ScannerTest, testing::ValuesIn(kSettings));
INSTANTIATE_TEST_SUITE_P(Statements, ScannerTest, testing::ValuesIn(kStatements));
INSTANTIATE_TEST_SUITE_P(Temporary, ScannerTest, testing::ValuesIn(kTemporary));
INSTANTIATE_TEST_SUITE_P(Functions, ScannerTest, testing::ValuesIn(kFunctions));
INSTANTIATE_TEST_SUITE_P(Literals, ScannerTest, testing::ValuesIn(kLiterals));
INSTANTIATE_TEST_SUITE_P(Routines, ScannerTest, testing::ValuesIn(kRoutines));

TEST(Scanner, CutsNamesAsPostgresDoes) {
  const std::string name(70, 'a');
  const auto effects = PostgresScanner::scan(as_bytes("EXECUTE " + name));
  EXPECT_THAT(effects.names, testing::ElementsAre(Effects::Name{sql_execute, name.substr(0, 63)}));
}

TEST(Scanner, StopsCollectingNamesAndSaysSo) {
  std::string text;
  for (std::size_t i = 0; i <= Effects::kNamesMax; ++i) text += "SET a = 1;";
  const auto effects = PostgresScanner::scan(as_bytes(text));
  EXPECT_EQ(effects.names.size(), Effects::kNamesMax);
  EXPECT_TRUE(effects.has(unreadable));
}

TEST(Scanner, CannotReadBeyondADollarQuoteWhoseTagIsTooLong) {
  const std::string tag = "$" + std::string(64, 'a') + "$";
  EXPECT_TRUE(PostgresScanner::scan(as_bytes("SELECT " + tag + "x" + tag)).has(unreadable));
  const std::string longest = "$" + std::string(63, 'a') + "$";
  EXPECT_TRUE(PostgresScanner::scan(as_bytes("SELECT " + longest + "x" + longest)).none());
}

TEST(Scanner, StartsAfreshForEveryText) {
  PostgresScanner scanner;
  scanner.begin({});
  scanner.push(as_bytes("SET a = 'unfinished"));
  EXPECT_TRUE(scanner.finish().has(set_parameter));
  scanner.begin({});
  scanner.push(as_bytes("SELECT 1"));
  EXPECT_TRUE(scanner.finish().none());
}

TEST(Scanner, CanBeHeldByASessionWhileItsTextIsIncomplete) {
  PostgresScanner worker;
  worker.begin({});
  worker.push(as_bytes("SELECT set_con"));
  PostgresScanner held = worker;
  worker.begin({});
  worker.push(as_bytes("BEGIN"));
  held.push(as_bytes("fig('a', 'b', false)"));
  EXPECT_TRUE(held.finish().has(set_config));
  EXPECT_FALSE(held.finish().has(opens_transaction));
}

TEST(StatementEnds, AreBehindTheSemicolon) {
  const auto end = [](std::string_view text, int statement) {
    return StatementEnds(as_bytes(text), {}).behind(statement);
  };
  EXPECT_EQ(end("RESET ALL; SELECT 1", 1), 10u);
  EXPECT_EQ(end(";; RESET ALL /* ; */ ;; SELECT 1", 1), 22u);
  EXPECT_EQ(end("SELECT ';'; RESET ALL;", 2), 22u);
  EXPECT_EQ(end("SELECT 1; RESET ALL", 2), std::string_view::npos);
}

TEST(StatementEnds, AreFoundOneAfterTheOther) {
  StatementEnds ends(as_bytes("A; B;; C; D"), {});
  EXPECT_EQ(ends.behind(1), 2u);
  EXPECT_EQ(ends.behind(1), 2u);
  EXPECT_EQ(ends.behind(3), 9u);
  EXPECT_EQ(ends.behind(4), std::string_view::npos);
  EXPECT_EQ(ends.behind(4), std::string_view::npos);
}

}  // namespace
}  // namespace tidegate::sql
