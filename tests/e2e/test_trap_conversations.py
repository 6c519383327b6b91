"""The traps of poolers as conversations that must sound as they do with PostgreSQL itself.

The numbers are those of tests/README.md. What needs a second client, a dying server or a clock is
tested elsewhere.
"""
import struct

import pytest

from harness.twins import Step, group, hold_twice
from harness.wire import FLUSH, SYNC, bind, close, describe, execute, message, parse, query, string

LOOK = query("SELECT current_setting('TimeZone'), current_setting('DateStyle'),"
             " current_setting('search_path'), current_setting('statement_timeout'),"
             " current_setting('application_name'), current_setting('transaction_isolation'),"
             " current_user")


def function_call(oid, *arguments):
    encoded = b"".join(struct.pack("!I", len(value)) + value for value in arguments)
    return message("F", struct.pack("!IHH", oid, 0, len(arguments)) + encoded
                   + struct.pack("!H", 0))


def copy_data(*lines):
    return b"".join(message("d", line) for line in lines)


COPY_DONE = message("c")
COPY_IN = parse("", "COPY t FROM STDIN") + bind("", "") + execute()
TOO_LONG = "SELECT generate_series(1, 3) /* " + 40_000 * "long " + "*/"
INT4PL = 177  # the function behind 2 + 3

TRAPS = {
    "trap01 queries and groups sent ahead": [
        Step(group("SELECT 1"), SYNC, query("SELECT 2; SELECT 3"), group("SELECT 4"), SYNC, SYNC,
             query(""), group("SELECT 5"), group("SELECT 6"), SYNC)],
    "trap02 a transaction over many syncs": [
        Step(group("BEGIN"), SYNC, group("INSERT INTO t VALUES (10, 'ten')"), SYNC,
             group("SELECT count(*) FROM t"), SYNC, group("ROLLBACK"), SYNC,
             group("SELECT count(*) FROM t"), SYNC)],
    "trap02 an error between syncs": [
        Step(group("SELECT 1"), SYNC, group("SELECT 1 / 0"), group("SELECT 2"), SYNC,
             group("SELECT 3"), SYNC),
        Step(group("BEGIN"), SYNC, group("SELECT 1 / 0"), SYNC, group("SELECT 2"), SYNC,
             group("COMMIT"), SYNC, group("SELECT 3"), SYNC)],
    "trap03 a query inside the skipped range": [
        Step(group("SELEC"), query("SELECT 1"), group("SELECT 2"), SYNC, query("SELECT 3"),
             count=2)],
    "trap03 what is skipped registers and forgets nothing": [
        Step(parse("a", "SELECT 'kept'"), SYNC),
        Step(bind("", "nothing"), parse("b", "SELECT 2"), close("S", "a"), SYNC),
        Step(bind("", "a"), execute(), SYNC),
        Step(bind("", "b"), execute(), SYNC),
        Step(parse("b", "SELECT 'b'"), bind("", "b"), execute(), SYNC),
        Step(close("S", "a"), close("S", "b"), SYNC)],
    "trap03 a skipped statement that this server lacks": [
        Step(parse("a", "SELECT 'a'"), SYNC), Step(parse("d", "SELECT 'd'"), SYNC),
        Step(bind("", "a"), execute(), group("SELECT 1 / 0"), bind("", "d"), execute(), SYNC),
        Step(bind("", "d"), execute(), bind("", "a"), execute(), SYNC),
        Step(close("S", "a"), close("S", "d"), SYNC)],
    "trap03 a close and a describe of neither a statement nor a portal": [
        Step(message("C", b"X" + string("a")), SYNC), Step(query("SELECT 1")),
        Step(message("D", b"X" + string("a")), query("SELECT 2"), SYNC, count=1)],
    "trap04 flush": [
        Step(parse("", "SELECT 1"), bind("", ""), describe("P", ""), FLUSH, count=1, until="T"),
        Step(execute(), FLUSH, count=1, until="C"),
        Step(group("SELECT 2"), FLUSH, count=1, until="C"),
        Step(bind("", "", ), execute(), FLUSH, SYNC)],
    "trap05 the unnamed statement outlives its sync": [
        Step(parse("", "SELECT $1::int + 1"), describe("S", ""), SYNC),
        Step(bind("", "", b"4"), execute(), SYNC),
        Step(bind("", "", b"5"), describe("P", ""), execute(), SYNC),
        Step(describe("S", ""), SYNC)],
    "trap05 a simple query ends the unnamed statement": [
        Step(parse("", "SELECT 1"), SYNC), Step(query("SELECT 2")),
        Step(bind("", ""), execute(), SYNC), Step(describe("S", ""), SYNC)],
    "trap05 the unnamed portal ends with its transaction": [
        Step(parse("", "SELECT 1"), bind("", ""), SYNC), Step(execute(), SYNC),
        Step(query("BEGIN")), Step(parse("", "SELECT 1"), bind("", ""), SYNC),
        Step(execute(), SYNC), Step(query("COMMIT")), Step(execute(), SYNC)],
    "trap05 what ends the unnamed statement and what does not": [
        Step(parse("", "SELECT 1"), SYNC), Step(query("DEALLOCATE ALL")), Step(bind("", ""), SYNC),
        Step(group("SELECT generate_series(1, 5)"), SYNC), Step(query("BEGIN")),
        Step(parse("", "SELECT generate_series(1, 5)"), bind("", ""), execute("", 2), SYNC),
        Step(query("DEALLOCATE ALL")), Step(execute("", 2), SYNC), Step(query("ROLLBACK")),
        Step(group("DISCARD ALL"), SYNC), Step(bind("", ""), execute(), SYNC),
        Step(query("SET statement_timeout = '9s'; BEGIN; SELECT 1 / 0")),
        Step(parse("", "SELECT 2"), SYNC, close("S", "nothing"), bind("", "nothing"), SYNC),
        Step(bind("", ""), execute(), SYNC), Step(query("ROLLBACK")), Step(query("DISCARD ALL"))],
    "trap06 unknown and duplicate names": [
        Step(bind("", "nothing"), execute(), SYNC), Step(describe("S", "nothing"), SYNC),
        Step(close("S", "nothing"), SYNC), Step(execute("nothing"), SYNC),
        Step(describe("P", "nothing"), SYNC), Step(close("P", "nothing"), SYNC),
        Step(parse("a", "SELECT 1"), SYNC), Step(parse("a", "SELECT 2"), SYNC),
        Step(bind("p", "a"), bind("p", "a"), SYNC),
        Step(bind("", "a"), execute(), close("S", "a"), SYNC)],
    "trap06 a failed Parse leaves its name free": [
        Step(parse("a", "SELEC 1"), SYNC), Step(bind("", "a"), execute(), SYNC),
        Step(parse("a", "SELECT nothing"), SYNC), Step(parse("a", "SELECT 1; SELECT 2"), SYNC),
        Step(parse("a", "SELECT 1"), bind("", "a"), execute(), close("S", "a"), SYNC)],
    "trap06 values that do not fit": [
        # (Of a named statement PostgreSQL's text tells the name that the server knows.)
        Step(parse("", "SELECT $1::int"), bind("", ""), execute(), SYNC),
        Step(parse("a", "SELECT $1::int"), bind("", "a", b"no number"), execute(), SYNC),
        Step(bind("", "a", b"7"), execute(), close("S", "a"), SYNC)],
    "trap07 a statement described on any server": [
        Step(parse("a", "SELECT $1::int AS one, $2::text AS two FROM t"), SYNC),
        *[Step(describe("S", "a"), SYNC)] * 4,
        Step(describe("S", "a"), bind("", "a", b"1", None), describe("P", ""), execute(), SYNC),
        Step(close("S", "a"), SYNC)],
    "trap08 the same text with other types": [
        Step(parse("a", "SELECT $1", types=(23,)), parse("b", "SELECT $1", types=(25,)),
             parse("c", "SELECT $1"), SYNC),
        *[Step(describe("S", name), bind("", name, b"7"), execute(), SYNC) for name in "abc"],
        Step(*[close("S", name) for name in "abc"], SYNC)],
    "trap09 forgotten by SQL": [
        Step(parse("a", "SELECT 'a'"), parse("b", "SELECT 'b'"), SYNC),
        Step(query("DEALLOCATE a")), Step(bind("", "a"), execute(), SYNC),
        Step(bind("", "b"), execute(), SYNC), Step(query("DEALLOCATE nothing")),
        Step(query("DEALLOCATE PREPARE b")), Step(bind("", "b"), execute(), SYNC),
        Step(parse("a", "SELECT 'again'"), bind("", "a"), execute(), SYNC),
        Step(query("DEALLOCATE ALL")), Step(bind("", "a"), execute(), SYNC),
        Step(parse("a", "SELECT 'anew'"), bind("", "a"), execute(), SYNC),
        Step(query("DISCARD ALL")), Step(bind("", "a"), execute(), SYNC)],
    "trap09 forgotten by SQL in the extended protocol": [
        Step(parse("a", "SELECT 'a'"), parse("b", "SELECT 'b'"), SYNC),
        Step(group("DEALLOCATE a"), SYNC), Step(bind("", "a"), execute(), SYNC),
        Step(bind("", "b"), execute(), SYNC), Step(group("DEALLOCATE ALL"), SYNC),
        Step(bind("", "b"), execute(), SYNC)],
    "trap09 a Close behind a DEALLOCATE ALL that fails": [
        Step(parse("a", "SELECT 'a'"), SYNC), Step(query("SET statement_timeout = '9s'")),
        Step(query("DEALLOCATE ALL"), describe("S", "a"), close("S", "a"), SYNC),
        Step(bind("", "a"), SYNC), Step(query("DISCARD ALL"))],
    "trap11 copy in": [
        Step(query("COPY t FROM STDIN"), copy_data(b"1\tone\n", b"2\ttwo\n"), COPY_DONE),
        Step(COPY_IN, copy_data(b"3\tthree\n"), COPY_DONE, SYNC),
        Step(COPY_IN, copy_data(b"3\tthree\n"), COPY_DONE, group("SELECT 1"), SYNC),
        Step(query("COPY t FROM STDIN"), SYNC, FLUSH, copy_data(b"1\tone\n"), SYNC, COPY_DONE,
             count=1)],
    "trap11 copy that the client breaks off": [
        Step(query("COPY t FROM STDIN"), copy_data(b"1\tone\n"), message("f", string("no"))),
        Step(COPY_IN, copy_data(b"3\tthree\n"), message("f", string("no more")), SYNC),
        Step(COPY_IN, message("f", string("")), group("SELECT 1"), SYNC)],
    "trap11 copy that the server breaks off": [
        Step(query("COPY t FROM STDIN"), copy_data(b"one\n", *[b"1\tone\n"] * 50), COPY_DONE,
             query("SELECT 'after'")),
        Step(query("COPY nothing FROM STDIN"), copy_data(b"1\n"), COPY_DONE, query("SELECT 1")),
        Step(COPY_IN, copy_data(b"one\n", b"1\tone\n"), COPY_DONE, SYNC, query("SELECT 'after'")),
        Step(query("COPY t FROM STDIN; SELECT 'behind'"), copy_data(b"one\n"), COPY_DONE)],
    "trap11 copy out": [
        Step(query("COPY (SELECT * FROM generate_series(1, 5)) TO STDOUT")),
        Step(group("COPY (SELECT 1) TO STDOUT"), group("SELECT 2"), SYNC),
        Step(query("COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT"))],
    "trap12 parameters are told in PostgreSQL's spelling": [
        Step(query("SET DateStyle = 'iso'")), Step(LOOK), Step(query("SET TimeZone = 'utc'")),
        Step(query("SET client_encoding = 'latin-1'")), Step(LOOK),
        Step(query("SET client_encoding = 'utf8'; SET IntervalStyle = 'ISO_8601'")),
        Step(query("SELECT interval '1 day', now() > 'yesterday'")),
        Step(query("RESET IntervalStyle")), Step(LOOK)],
    "trap12 parameters of a transaction that is rolled back": [
        Step(query("SET TimeZone = 'Asia/Tokyo'")),
        Step(query("BEGIN; SET TimeZone = 'America/Lima'; SET LOCAL DateStyle = 'sql'")),
        Step(LOOK), Step(query("ROLLBACK")), Step(LOOK),
        Step(query("BEGIN; SET TimeZone = 'America/Lima'; SET LOCAL DateStyle = 'sql'; COMMIT")),
        Step(LOOK), Step(query("SET TimeZone = 'nowhere'")), Step(LOOK)],
    "trap13 settings and savepoints": [
        Step(query("SET statement_timeout = '21s'")), Step(LOOK),
        Step(query("BEGIN; SET statement_timeout = '22s'; SAVEPOINT s;"
                   " SET search_path = inner_one; SET TimeZone = 'Asia/Tokyo'")), Step(LOOK),
        Step(query("ROLLBACK TO s")), Step(LOOK), Step(query("COMMIT")), Step(LOOK),
        Step(query("SELECT set_config('search_path', 'local', true)")), Step(LOOK),
        Step(query("SET search_path = one, \"Two\"; SELECT 1 / 0")), Step(LOOK),
        Step(query("RESET ALL")), Step(LOOK)],
    "trap13 settings of one transaction by set_config": [
        Step(query("BEGIN; SELECT set_config('search_path', 'one', true), set_config('TimeZone',"
                   " 'Asia/Tokyo', true), set_config('statement_timeout', '7s', true)")), Step(LOOK),
        Step(query("COMMIT")), Step(LOOK), Step(query("BEGIN")),
        Step(parse("", "SELECT set_config($1, $2, true)"), bind("", "", b"search_path", b"pg_temp"),
             execute(), bind("", "", b"DateStyle", b"german"), execute(), SYNC), Step(LOOK),
        Step(parse("a", "SELECT count(*) FROM t"), bind("", "a"), execute(), SYNC),
        Step(query("ROLLBACK")), Step(LOOK), Step(bind("", "a"), execute(), SYNC),
        Step(parse("b", "SELECT count(*) FROM t"), bind("", "b"), execute(), SYNC),
        Step(query("SELECT set_config('TimeZone', 'Asia/Tokyo', true); SELECT 1")), Step(LOOK),
        Step(close("S", "a"), close("S", "b"), SYNC)],
    "trap13 roles": [
        Step(query("SET ROLE deputy")), Step(LOOK), Step(query("BEGIN; RESET ROLE")), Step(LOOK),
        Step(query("ROLLBACK")), Step(LOOK), Step(query("SET SESSION AUTHORIZATION deputy")),
        Step(LOOK), Step(query("SET ROLE NONE")), Step(LOOK), Step(query("DISCARD ALL")),
        Step(LOOK)],
    "trap14 transactions by every name": [
        Step(query("START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")), Step(LOOK),
        Step(query("INSERT INTO t VALUES (1)")), Step(query("COMMIT")),
        Step(query("BEGIN ISOLATION LEVEL REPEATABLE READ")), Step(LOOK),
        Step(query("COMMIT AND CHAIN")), Step(LOOK), Step(query("ROLLBACK AND CHAIN")),
        Step(LOOK), Step(query("END")), Step(LOOK), Step(query("COMMIT AND CHAIN")),
        Step(query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")), Step(LOOK),
        Step(query("BEGIN; BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")), Step(LOOK),
        Step(query("ABORT; ABORT")),
        Step(query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")),
        Step(LOOK), Step(query("RESET default_transaction_isolation")), Step(LOOK)],
    "trap14 transactions among other statements": [
        Step(query("SELECT 1; BEGIN; SELECT 2")), Step(LOOK),
        Step(query("SELECT 3; COMMIT; SELECT 4")), Step(LOOK),
        Step(query("BEGIN; SELECT 1 / 0; COMMIT")), Step(LOOK), Step(query("COMMIT")),
        Step(group("BEGIN"), group("SELECT 1"), SYNC), Step(LOOK),
        Step(group("COMMIT"), group("BEGIN"), SYNC), Step(LOOK), Step(group("ROLLBACK"), SYNC),
        Step(query("COMMIT; SELECT 1; BEGIN; COMMIT; BEGIN")), Step(query("ROLLBACK"))],
    "trap18 large values and texts": [
        Step(parse("a", "SELECT length($1), $1"), bind("", "a", b"v" * 3_000_000), execute(),
             SYNC),
        Step(parse("b", "SELECT length('" + "x" * 300_000 + "')"), SYNC),
        Step(bind("", "b"), describe("P", ""), execute(), SYNC),
        Step(query("SELECT repeat('y', 2000000) /* " + "z" * 300_000 + " */")),
        Step(close("S", "a"), close("S", "b"), SYNC)],
    "trap18 statements too long to keep": [
        Step(parse("a", TOO_LONG), SYNC), Step(parse("a", "SELECT 1"), SYNC),
        Step(parse("a", TOO_LONG), SYNC), Step(bind("", "a"), execute(), SYNC),
        Step(query("BEGIN; SELECT 1 / 0")), Step(parse("a", TOO_LONG), SYNC),
        Step(query("ROLLBACK")), Step(bind("", "a"), execute(), close("S", "a"), SYNC),
        Step(bind("", "a"), execute(), SYNC), Step(parse("a", "SELECT 1"), SYNC),
        Step(execute("nothing"), parse("b", "SELECT 2"), SYNC, parse("b", TOO_LONG), SYNC),
        Step(query("DEALLOCATE a")), Step(group("DEALLOCATE b"), SYNC),
        Step(parse("a", "SELECT 3"), parse("b", "SELECT 4"), SYNC), Step(query("DISCARD ALL"))],
    "trap18 an unnamed statement too long to keep": [
        Step(parse("", TOO_LONG), SYNC), Step(execute("nothing"), parse("", "SELECT 1"), SYNC),
        Step(bind("", ""), execute(), SYNC), Step(close("P", ""), SYNC),
        Step(query("SELECT 'ended by this'")), Step(bind("", ""), execute(), SYNC),
        Step(parse("", TOO_LONG), SYNC), Step(group("DISCARD ALL"), SYNC)],
    "trap24 listen": [
        Step(query("BEGIN; LISTEN news; ROLLBACK")), Step(query("NOTIFY news, 'unheard'")),
        Step(query("LISTEN news")), Step(query("NOTIFY news, 'heard'")),
        Step(query("BEGIN; NOTIFY news, 'one'; NOTIFY news, 'two'")), Step(query("SELECT 1")),
        Step(query("COMMIT")), Step(query("SELECT pg_listening_channels()")),
        Step(query("UNLISTEN news")), Step(query("NOTIFY news, 'unheard'")),
        Step(query("SELECT pg_listening_channels()"))],
    "trap25 what stays on a server": [
        Step(query("CREATE TEMP TABLE mine AS SELECT 1 AS n")), Step(query("SELECT n + 0 FROM mine")),
        Step(query("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 9);"
                   " COMMIT")), Step(query("FETCH 2 FROM held")), Step(query("FETCH 2 FROM held")),
        Step(query("SELECT pg_advisory_lock_shared(5)")),
        Step(query("SELECT pg_advisory_unlock_shared(5), pg_advisory_unlock_shared(5)")),
        Step(query("SELECT setseed(0.5)")), Step(query("SELECT random(), random()")),
        Step(query("PREPARE by_sql(int) AS SELECT $1 + 1")), Step(query("EXECUTE by_sql(1)")),
        Step(bind("", "by_sql", b"4"), execute(), SYNC), Step(query("DEALLOCATE by_sql")),
        Step(query("DISCARD ALL")), Step(query("SELECT n + 0 FROM mine")),
        Step(query("FETCH 2 FROM held")), Step(query("EXECUTE by_sql(1)"))],
    "trap25 what ends with its transaction": [
        Step(query("BEGIN; SELECT lo_open(lo_create(0), 131072); SELECT lowrite(0, 'abc')")),
        Step(query("SELECT lo_tell(0), nextval('counter') = currval('counter')")),
        Step(query("SELECT pg_export_snapshot() IS NULL, pg_advisory_xact_lock_shared(5)")),
        Step(query("ROLLBACK")), Step(query("SELECT lo_tell(0)"))],
    "trap26 function calls": [
        Step(function_call(INT4PL, b"2", b"3"), count=1),
        Step(function_call(INT4PL, b"2", b"three"), count=1),
        Step(function_call(0), count=1),
        Step(query("BEGIN")), Step(function_call(INT4PL, b"2", b"3"), count=1),
        Step(function_call(INT4PL, b"2", b"x"), function_call(INT4PL, b"2", b"3"), count=2),
        Step(query("ROLLBACK"))],
    "trap26 portals in parts": [
        Step(parse("", "SELECT generate_series(1, 5)"), bind("", ""), execute("", 2), execute("", 2),
             execute("", 2), SYNC),
        Step(bind("", ""), execute("", 2), SYNC), Step(execute("", 2), SYNC),
        Step(query("BEGIN")), Step(parse("", "SELECT generate_series(1, 5)"), bind("p", ""),
                                   execute("p", 2), SYNC),
        Step(execute("p", 2), SYNC), Step(query("SELECT 'between'")), Step(execute("p", 2), SYNC),
        Step(query("DECLARE c CURSOR FOR SELECT generate_series(1, 5)")),
        Step(describe("P", "c"), execute("c", 1), SYNC), Step(query("FETCH ALL FROM c")),
        Step(query("COMMIT")), Step(execute("p", 2), SYNC)],
    "trap27 what points into a text behind a reset": [
        Step(query("SET TimeZone = 'Asia/Tokyo'; SET standard_conforming_strings = off")),
        Step(query("RESET TimeZone; SELECT 'back\\\\slash', length('\\\\\\\\')")),
        Step(query("RESET TimeZone; SELECT 1 FORM")), Step(query("DISCARD ALL"))],
    "trap27 resets inside transactions": [
        Step(query("SET TimeZone = 'Asia/Tokyo'")), Step(query("BEGIN")),
        Step(query("DISCARD ALL")), Step(query("RESET ALL")), Step(query("ROLLBACK")), Step(LOOK),
        Step(query("BEGIN; RESET ALL; SAVEPOINT s; SET TimeZone = 'UTC'; ROLLBACK TO s")),
        Step(LOOK), Step(query("COMMIT")), Step(LOOK)],
}


@pytest.fixture
def tables(database):
    database.execute("CREATE TABLE t (n int, s text);"
                     " INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 9) n;"
                     " CREATE SEQUENCE counter; CREATE ROLE deputy;"
                     f" GRANT deputy TO {database.user}; GRANT ALL ON t, counter TO {database.user}")
    yield
    database.execute("DROP ROLE deputy")


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("conversation", TRAPS.values(),
                         ids=[title.replace(" ", "_") for title in TRAPS])
def test_sounds_as_it_does_directly(start_gate, database, tables, conversation, mode):
    gate = start_gate(route={"pool_size": 2, "pins_max": 1, "pool_mode": mode})
    hold_twice(gate, database, conversation, application_name="twin", TimeZone="Europe/Berlin")
