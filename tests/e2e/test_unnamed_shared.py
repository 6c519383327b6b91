"""Who prepares a query anew each time, under no name, gets what others prepared, and hears nothing of it."""
import pytest

from harness.twins import Step, group, hold_twice
from harness.waiting import eventually
from harness.wire import SYNC, query

DDL = {
    "type": "ALTER TABLE t ALTER a TYPE text USING a || '!'",
    "more_columns": "ALTER TABLE t ADD b int DEFAULT 7",
    "another_table": "DROP TABLE t; CREATE TABLE t AS SELECT 'other'::text AS a; GRANT ALL ON t TO public",
    "a_view": "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT a::text || ' seen' AS a FROM u;"
              "GRANT ALL ON t, u TO public",
}


def ask(client, sql, *values):
    """The rows of one request in the extended protocol, and the type of their first column."""
    client.send(group(sql, *values), SYNC)
    answer = client.receive_until("Z")
    assert "E" not in [kind for kind, _ in answer], answer
    columns = next(payload for kind, payload in answer if kind == "T")
    name_ends = columns.index(b"\0", 2)
    rows = [payload for kind, payload in answer if kind == "D"]
    return int.from_bytes(columns[name_ends + 7:name_ends + 11], "big"), rows


@pytest.fixture
def table(database):
    database.execute("CREATE TABLE t AS SELECT 1 AS a; GRANT ALL ON t TO public;"
                     "GRANT CREATE ON SCHEMA public TO public;"
                     f"ALTER TABLE t OWNER TO {database.user}")


def test_it_is_prepared_once(start_gate, database, wire, table):
    gate = start_gate(top={"workers": 1}, route={"pool_size": 1, "share_unnamed_for": "1h"})
    one, two = wire(gate), wire(gate)
    for _ in range(3):
        for client in (one, two):
            assert ask(client, "SELECT a FROM t WHERE a = $1", b"1")[0] == 23
    shared = one.ask("SELECT generic_plans + custom_plans FROM pg_prepared_statements")
    assert shared == [("5",)]


@pytest.mark.parametrize("form", ["alone", "in_a_transaction"])
@pytest.mark.parametrize("past", [False, True], ids=["through", "past"])
@pytest.mark.parametrize("ddl", DDL)
def test_a_changed_table_is_read_as_it_is(start_gate, database, wire, table, ddl, past, form):
    gate = start_gate(route={"pool_size": 2, "lifo": False, "share_unnamed_for": "1h"})
    client, other = wire(gate), wire(gate)
    for _ in range(4):
        assert ask(client, "SELECT * FROM t") == ask(other, "SELECT * FROM t")
    if past:
        database.execute(DDL[ddl])
    else:
        for statement in DDL[ddl].split(";"):
            other.ask(statement)
    expected = None
    for _ in range(3):
        for each in (client, other):
            if form == "in_a_transaction":
                each.ask("BEGIN")
            heard = ask(each, "SELECT * FROM t")
            each.ask("ROLLBACK") if form == "in_a_transaction" else None
            expected = expected or heard
            assert heard == expected
    rows = database.execute("SELECT * FROM t")
    assert len(expected[1]) == len(rows) and str(rows[0][0]).encode() in expected[1][0]


def test_a_parameter_is_read_as_the_table_is_now(start_gate, database, wire, table):
    gate = start_gate(route={"pool_size": 2, "lifo": False, "share_unnamed_for": "50ms"})
    client = wire(gate)
    for _ in range(4):
        ask(client, "INSERT INTO t VALUES ($1) RETURNING a", b"2")
    client.ask("ALTER TABLE t ALTER a TYPE numeric")
    ask(client, "INSERT INTO t VALUES ($1) RETURNING a", b"2.5")

    def takes_words():
        client.send(group("INSERT INTO t VALUES ($1) RETURNING a", b"word"), SYNC)
        return "E" not in [kind for kind, _ in client.receive_until("Z")]

    database.execute("ALTER TABLE t ALTER a TYPE text")
    eventually(takes_words, what="a statement that was parsed after the DDL past the gate")


READS = ["SELECT '2020-07-01 12:00'::timestamptz, '1/2/2020'::date", "SELECT current_schema(), current_user::text",
         "SELECT '1 day 2:03'::interval", "SELECT 0.1::float8 + 0.2", "SELECT 'a\\nb'", "SELECT $1::text || 'x'"]
CHANGES = ["SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'SQL, DMY'", "SET IntervalStyle = 'iso_8601'",
           "SET extra_float_digits = -5", "SET standard_conforming_strings = off", "SET search_path = elsewhere",
           "SET LOCAL TimeZone = 'Europe/Paris'", "RESET ALL"]


def test_what_shapes_a_text_makes_it_another(start_gate, database):
    database.execute("CREATE SCHEMA elsewhere; GRANT ALL ON SCHEMA elsewhere TO public")
    gate = start_gate(route={"pool_size": 2, "lifo": False, "share_unnamed_for": "1h"})
    reads = [Step(group(sql, *([b"v"] if "$1" in sql else [])), SYNC) for sql in READS]
    steps = list(reads)
    for change in CHANGES:
        steps += [Step(query(change)), *reads, *reads]
        steps += [Step(query("BEGIN")), Step(query(change)), *reads, Step(query("ROLLBACK")), *reads]
    hold_twice(gate, database, steps, rounds=2)
