"""PostgreSQL reads a statement once, at its Parse: what literals mean there does not change with later
settings. Nor does it through a pool, for the client itself or for others that prepare the same."""
import struct

import pytest

from harness.wire import SYNC, ServerError, bind, execute, message, parse, query, string

# A text, and the setting that decides what it means.
READINGS = {
    "DateStyle": ("SELECT date '01/02/2020' = date '2020-01-02'", "'ISO, DMY'"),
    "IntervalStyle": ("SELECT extract(epoch FROM interval '-1 2:03:04')", "'sql_standard'"),
    "TimeZone": ("SELECT extract(epoch FROM timestamptz '2024-01-01 00:00')::int", "'Asia/Tokyo'"),
    "standard_conforming_strings": (r"SELECT length('a\\b')", "off"),
    "client_encoding": ("SELECT length('Ã¤')", "LATIN1"),
    "transform_null_equals": ("SELECT (n = NULL) IS NULL FROM (SELECT 1 AS n) AS one", "on"),
    "array_nulls": ("SELECT '{NULL}'::text[] IS NULL, ('{NULL}'::text[])[1] IS NULL", "off"),
}
REPORTED = [name for name in READINGS if name not in ("transform_null_equals", "array_nulls")]


def plainly(client, name, value):
    client.ask(f"SET {name} TO {value}")


def locally(client, name, value):
    client.ask("BEGIN")
    client.ask(f"SET LOCAL {name} TO {value}")


def in_one_query(client, name, value):
    client.ask(f"BEGIN; SET LOCAL {name} TO {value}")


def in_a_transaction(client, name, value):
    client.ask("BEGIN")
    client.ask(f"SET {name} TO {value}")


def in_a_block(client, name, value):
    client.ask("BEGIN")
    client.ask(f"DO $$ BEGIN SET LOCAL {name} TO {value}; END $$")


def in_the_same_pipeline(client, name, value):
    client.send(parse("", f"SET {name} TO {value}"), bind("", ""), execute())


LOCAL_WAYS = [locally, in_one_query, in_a_block]
# What is not reported ties the client to its server, unless it ends with the transaction.
WAYS = [(way, setting) for setting in READINGS for way in LOCAL_WAYS + (
    [plainly, in_a_transaction, in_the_same_pipeline] if setting in REPORTED else [])]


@pytest.fixture
def clients(start_gate, wire):
    """Three on one server, which forgets a statement as soon as there is another."""
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1, "server_statements_max": 1})
    return wire(gate), wire(gate), wire(gate)


def run(client, *messages):
    client.send(*messages, SYNC)
    return client.answer()


def forget(other):
    """Others take their places on the server, and the first use of each is a Parse."""
    run(other, parse("", "SELECT 0"), bind("", ""), execute())
    for number in range(2):
        run(other, parse(f"other{number}", f"SELECT 'other {number}'"),
            bind("", f"other{number}"), execute(), message("C", b"S" + string(f"other{number}")))


def use(client, name):
    return run(client, bind("", name), execute())


def end(client):
    client.send(query("ROLLBACK"))
    client.answer()


@pytest.mark.parametrize("way, setting", WAYS)
def test_what_another_client_prepares_has_its_own_reading(clients, way, setting):
    mine, other, third = clients
    text, value = READINGS[setting]
    meaning = run(mine, parse("s", text), bind("", "s"), execute())
    forget(other)
    way(mine, setting, value)
    use(mine, "s")
    if setting in REPORTED:
        shown = value.strip("'")
        assert mine.ask(f"SHOW {setting}") == [(shown,)]
    end(mine)
    assert run(third, parse("s", text), bind("", "s"), execute()) == meaning


@pytest.mark.parametrize("way", [plainly, locally, in_one_query, in_a_transaction])
@pytest.mark.parametrize("setting", REPORTED)
def test_a_statement_keeps_the_reading_of_its_parse(clients, setting, way):
    mine, other, third = clients
    text, value = READINGS[setting]
    meaning = run(mine, parse("s", text), bind("", "s"), execute())
    forget(other)
    way(mine, setting, value)
    shown = mine.ask(f"SHOW {setting}")
    for _ in range(2):
        assert use(mine, "s") == meaning
        assert mine.ask(f"SHOW {setting}") == shown
        if way is plainly:
            forget(other)
    end(mine)
    assert run(third, parse("s", text), bind("", "s"), execute()) == meaning


@pytest.mark.parametrize("setting", REPORTED)
def test_the_unnamed_statement_keeps_the_reading_of_its_parse(clients, setting):
    mine, other, third = clients
    text, value = READINGS[setting]
    run(mine, parse("change", f"SET {setting} TO {value}"))
    meaning = run(mine, parse("", text), bind("", ""), execute())
    run(third, parse("", text))
    run(mine, bind("", "change"), execute())
    forget(other)
    assert use(mine, "") == meaning
    assert use(third, "") == meaning


def test_a_statement_that_is_stale_is_read_again_as_at_its_parse(clients, database):
    mine, _, third = clients
    database.execute("CREATE TABLE stale AS SELECT 1 AS n;"
                     f"GRANT ALL ON stale TO {database.user}")
    text = "SELECT timestamptz '2024-01-01 00:00' = '2024-01-01 00:00+00', * FROM stale"
    assert run(mine, parse("s", text), bind("", "s"), execute()) == [("t", "1")]
    mine.ask("SET TimeZone TO 'Asia/Tokyo'")
    database.execute("ALTER TABLE stale ADD COLUMN m int DEFAULT 2")
    with pytest.raises(ServerError, match="0A000"):
        use(mine, "s")
    assert use(mine, "s") == [("t", "1", "2")]
    assert run(third, parse("s", text), bind("", "s"), execute()) == [("t", "1", "2")]


def test_a_value_set_locally_ends_with_its_transaction(clients):
    mine, other, _ = clients
    text, _ = READINGS["TimeZone"]
    meaning = run(mine, parse("s", text), bind("", "s"), execute())
    for last, shown in [("COMMIT", "Asia/Tokyo"), ("ROLLBACK", "Europe/Rome")]:
        mine.ask("SET TimeZone TO 'Europe/Rome'")
        forget(other)
        mine.ask("BEGIN")
        mine.ask("SET TimeZone TO 'Asia/Tokyo'")
        assert use(mine, "s") == meaning
        mine.ask(last)
        assert mine.ask("SHOW TimeZone") == [(shown,)]


def test_each_tenants_statement_is_read_in_its_own_schema(start_gate, database, wire):
    database.execute(
        "CREATE SCHEMA one; CREATE TABLE one.item (code int);"
        "CREATE SCHEMA two; CREATE TABLE two.item (code text);"
        f"GRANT USAGE ON SCHEMA one, two TO {database.user};"
        f"GRANT ALL ON one.item, two.item TO {database.user}")
    gate = start_gate(route={"pool_size": 2})
    one, two = wire(gate), wire(gate)
    for number in range(4):
        for client, schema in [(one, "one"), (two, "two")]:
            client.ask("BEGIN")
            client.ask(f"SET LOCAL search_path TO {schema}")
            if number == 0:
                run(client, parse("put", "INSERT INTO item VALUES ($1)"))
            run(client, bind("", "put", b"007"), execute())
            client.ask("COMMIT")
    assert set(database.execute("SELECT code FROM one.item")) == {(7,)}
    assert set(database.execute("SELECT code FROM two.item")) == {("007",)}


def test_each_own_way_of_reading_is_another_one(start_gate, wire):
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    mine = wire(gate)
    text = "SELECT 1 WHERE $1::int = NULL"
    for name, setting, rows in (("s", "transform_null_equals = on", [("1",)]),
                                ("t", "array_nulls = off", [])):
        mine.ask(f"BEGIN; SET LOCAL {setting}")
        bound = message("B", string("") + string(name) + struct.pack("!HHiH", 0, 1, -1, 0))
        assert run(mine, parse(name, text), bound, execute()) == rows
        mine.ask("COMMIT")


def test_the_query_of_a_create_table_as_is_read_at_its_parse(start_gate, wire):
    gate = start_gate(route={"pool_size": 2, "lifo": False})
    mine, other = wire(gate), wire(gate)
    run(mine, parse("make", "CREATE TABLE days AS SELECT date '01/02/2020' AS day"))
    mine.ask("SET DateStyle = 'ISO, DMY'")
    other.ask("SELECT 1")
    run(mine, bind("", "make"), execute())
    assert mine.ask("SELECT extract(month FROM day) FROM days") == [("1",)]


def test_a_name_in_a_definition_pins_nobody(start_gate, wire):
    gate = start_gate(route={"pool_size": 2, "pins_allowed": False})
    mine = wire(gate)
    run(mine, parse("", "CREATE TABLE surnames (n text)"), bind("", ""), execute(),
        parse("", "INSERT INTO surnames VALUES ('Zo\u00eb')"), bind("", ""), execute())
    assert mine.ask("SELECT count(*) FROM surnames") == [("1",)]
