"""A table changes under prepared statements, whatever shape the pipelines have that use them."""
import struct

import pytest

from harness.wire import (SYNC, ServerError, bind, close, describe, execute, parse, query, row_of)

BIND = bind("", "s")

# name -> (messages, answer before, answer behind the change). The first table has two columns then,
# and who does not ask for the columns would take them for what they were.
SHAPES = {
    "bind": ([BIND], "2Z", "2Z"),
    "describe": ([BIND, describe("P", "")], "2TZ", "2TZ"),
    "execute": ([BIND, execute()], "2DDCZ", "EZ"),
    "usual": ([BIND, describe("P", ""), execute()], "2TDDCZ", "2TDDCZ"),
    "describe_twice": ([BIND, describe("P", ""), describe("P", ""), execute()], "2TTDDCZ",
                       "2TTDDCZ"),
    "execute_twice": ([BIND, execute(), execute()], "2DDCCZ", "EZ"),
    "in_parts": ([BIND, execute("", 1), execute("", 1), execute()], "2DsDsCZ", "EZ"),
    "named_portal": ([bind("p", "s"), execute("p")], "2DDCZ", "EZ"),
    "describe_statement": ([describe("S", "s")], "tTZ", "tEZ"),
    "close_portal": ([BIND, execute(), close("P", "")], "2DDC3Z", "EZ"),
    "two_statements": ([BIND, execute(), bind("", "u"), execute()], "2DDC2DCZ", "EZ"),
}

NOT_AGAIN = ("describe_statement", "close_portal", "two_statements")


def kinds(messages):
    return "".join(kind for kind, _ in messages)


def ask(client, messages):
    client.send(*messages, SYNC)
    return client.receive_until("Z")


@pytest.fixture
def prepared(start_gate, wire, database):
    """A client with the statements `s` and `u`, which its one server holds."""
    database.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2);"
                     "CREATE TABLE v (a int); INSERT INTO v VALUES (3);"
                     f"GRANT ALL ON t, v TO {database.user}")
    client = wire(start_gate(upstream={"budget": 1}, route={"pool_size": 1}))
    ask(client, [parse("s", "SELECT * FROM t"), parse("u", "SELECT * FROM v")])
    return client


@pytest.mark.parametrize("shape", SHAPES)
def test_after_a_change(prepared, database, shape):
    messages, before, after = SHAPES[shape]
    for _ in range(2):
        assert kinds(ask(prepared, messages)) == before
    database.execute("ALTER TABLE t ADD COLUMN b int DEFAULT 7")
    answer = ask(prepared, messages)
    assert kinds(answer) == after
    for kind, payload in answer:
        assert kind != "E" or ServerError(payload).sqlstate == "0A000"
    for _ in range(2):
        answer = ask(prepared, messages)
        assert kinds(answer) == before
    rows = [row_of(payload) for kind, payload in answer if kind == "D"]
    assert set(rows) <= {("1", "7"), ("2", "7"), ("3",)}


def test_who_was_told_the_columns_is_told_that_they_changed_by_every_server(start_gate, wire, warm,
                                                                            database):
    database.execute("CREATE TABLE t AS SELECT 1 AS a;"
                     f"GRANT ALL ON t TO {database.user}")
    gate = start_gate(route={"pool_size": 3})
    warm(gate, 3)
    client, writer = wire(gate), wire(gate)
    read, write = [bind("", "r"), execute()], [bind("", "w"), execute()]
    ask(client, [parse("r", "SELECT * FROM t"), describe("S", "r"),
                 parse("w", "INSERT INTO t (a) VALUES (2) RETURNING *"), describe("S", "w")])
    for _ in range(4):
        assert kinds(ask(client, read)) == "2DCZ"
    database.execute("ALTER TABLE t ADD COLUMN b int DEFAULT 7")
    for _ in range(4):
        for messages in (read, write):
            answer = ask(client, messages)
            assert kinds(answer) == "EZ"
            error = ServerError(answer[0][1])
            assert (error.sqlstate, error.fields["M"], error.fields["R"]) == (
                "0A000", "cached plan must not change result type", "RevalidateCachedQuery")
    assert writer.ask("SELECT count(*) FROM t") == [("1",)], "what was refused did not run"
    ask(client, [close("S", "r"), parse("r", "SELECT * FROM t -- again"), describe("S", "r")])
    for _ in range(4):
        assert kinds(ask(client, read)) == "2DCZ"


@pytest.mark.parametrize("shape", SHAPES)
def test_after_an_unseen_deallocate_all(prepared, shape):
    messages, before, _ = SHAPES[shape]
    prepared.ask("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    answer = ask(prepared, messages)
    assert kinds(answer) == ("EZ" if shape in NOT_AGAIN else before)
    for _ in range(2):
        assert kinds(ask(prepared, messages)) == before


def test_a_column_that_is_gone_is_told_as_postgresql_tells_it(prepared, database):
    ask(prepared, [parse("n", "SELECT a FROM t")])
    database.execute("ALTER TABLE t RENAME COLUMN a TO c")
    for _ in range(2):
        error, = [ServerError(payload) for kind, payload in ask(prepared, [bind("", "n"), execute()])
                  if kind == "E"]
        assert error.sqlstate == "42703"
    database.execute("ALTER TABLE t RENAME COLUMN c TO a")
    assert kinds(ask(prepared, [bind("", "n"), execute()])) == "2DDCZ"


CHANGE = "ALTER TABLE items ALTER code TYPE text, ALTER at TYPE timestamptz"
MEANS = {
    "plain": [query(CHANGE)],
    "in_a_transaction": [query("BEGIN"), query(CHANGE), query("COMMIT")],
    "in_one_query": [query(f"BEGIN; {CHANGE}; COMMIT")],
    "in_a_block": [query(f"DO $$ BEGIN {CHANGE}; END $$")],
    "extended": [parse("", CHANGE) + bind("", "") + execute() + SYNC],
}


@pytest.mark.parametrize("means", MEANS)
def test_who_prepares_behind_a_change_is_given_what_is_there_now(start_gate, wire, database, means):
    gate = start_gate(route={"pool_size": 2})
    first, second, changing = wire(gate), wire(gate), wire(gate)
    changing.ask("CREATE TABLE items (code int, at timestamp)")
    put = parse("put", "INSERT INTO items VALUES ($1, $2)")
    for client in [first, second] * 2:
        ask(client, [put, bind("", "put", b"1", b"2020-01-01 10:00"), execute(), close("S", "put")])
        ask(client, [parse("all", "SELECT * FROM items"), close("S", "all")])
    for message in MEANS[means]:
        changing.send(message)
        changing.answer()
    for _ in range(2):
        late = wire(gate)
        described = ask(late, [put, describe("S", "put")])
        types = next(payload for kind, payload in described if kind == "t")
        assert types == struct.pack("!HII", 2, 25, 1184)
        ask(late, [bind("", "put", b"007", b"2020-01-01 10:00+05"), execute()])
        assert "E" not in kinds(ask(late, [parse("all", "SELECT * FROM items"), describe("S", "all")]))
    rows = database.execute("SELECT code, at AT TIME ZONE 'UTC' FROM items WHERE code LIKE '0%'")
    assert {(code, at.hour) for code, at in rows} == {("007", 5)}
