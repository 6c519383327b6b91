"""A table changes under prepared statements, whatever shape the pipelines have that use them."""
import struct

import pytest

from harness.wire import (SYNC, ServerError, bind, close, describe, execute, message, parse, query,
                          row_of)

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


@pytest.mark.parametrize("servers", [1, 3])
def test_who_binds_a_format_for_each_column_knew_them(start_gate, wire, warm, database, servers):
    """pgx does, and prepares anew when it is told 0A000; of 08P01 it makes nothing."""
    database.execute("CREATE TABLE w AS SELECT 1 AS a, 2 AS b, 3 AS c; GRANT ALL ON w TO public")
    gate = start_gate(route={"pool_size": servers, "lifo": False})
    warm(gate, servers)
    client = wire(gate)
    binary = BIND[:-2] + struct.pack("!HHHH", 3, 1, 1, 1)
    use = [message("B", binary[5:]), describe("P", ""), execute()]
    for gone, come in (("b", "d"), ("c", "e")):
        ask(client, [parse("s", "SELECT * FROM w"), describe("S", "s")])
        for _ in range(4):
            assert kinds(ask(client, use)) == "2TDCZ"
        database.execute(f"ALTER TABLE w DROP COLUMN {gone}; ALTER TABLE w ADD COLUMN {come} int DEFAULT 4")
        for _ in range(4):
            answer = ask(client, use)
            assert kinds(answer) == "EZ" and ServerError(answer[0][1]).sqlstate == "0A000"
        ask(client, [close("S", "s")])


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


PUT = "INSERT INTO items VALUES ($1, now())"
GROUP = parse("", CHANGE) + bind("", "") + execute()
CHANGES = {  # sent in an open transaction; those without a Sync are one pipeline with what follows
    "simple": [query(CHANGE)],
    "extended": [GROUP, SYNC],
    "in_a_pipeline": [GROUP],
    "flushed": [GROUP, message("H")],
    "portal_bound_before": [parse("c", CHANGE) + bind("p", "c") + SYNC, execute("p")],
    "behind_a_savepoint": [query("SAVEPOINT s"), query(CHANGE), query("RELEASE s")],
    "renamed": [query("ALTER TABLE items RENAME TO old_items;"
                      " CREATE TABLE items (code text, at timestamptz)")],
    "twice": [query("ALTER TABLE items ALTER code TYPE bigint"),
              parse("put", PUT) + bind("", "put", b"2") + execute() + close("S", "put") + SYNC,
              query(CHANGE)],
    "in_a_block": [query(f"DO $$ BEGIN {CHANGE}; END $$")],
}
BEFORE = {
    "known_to_nobody": [],
    "deallocated": [parse("put", PUT) + bind("", "put", b"1") + execute() + SYNC,
                    query("DEALLOCATE ALL")],
    "closed": [parse("put", PUT) + bind("", "put", b"1") + execute() + close("S", "put") + SYNC],
    "of_another_name": [parse("other", PUT) + bind("", "other", b"1") + execute() + SYNC],
}


def converse(client, messages, waits):
    """Everything that is answered; `waits`: for the answer to each message that has one."""
    answers = []
    client.send(query("BEGIN"), *([] if waits else messages))
    for each in messages if waits else []:
        client.send(each)
        if each.endswith(SYNC) or each[:1] == b"Q":
            answers += client.receive_until("Z")
    client.send(query("COMMIT"))
    while "COMMIT" not in str(answers[-2:]):
        answers += client.receive_until("Z")
    return answers


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("before", BEFORE)
def test_a_transaction_prepares_behind_its_own_change(start_gate, wire, database, before, change,
                                                      waits):
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    other, mine = wire(gate), wire(gate)
    other.ask("CREATE TABLE items (code int, at timestamp)")
    ask(other, [parse("theirs", PUT), bind("", "theirs", b"1"), execute()])
    prepares = parse("put", PUT) + bind("", "put", b"007") + execute() + SYNC
    answers = converse(mine, [*BEFORE[before], *CHANGES[change], prepares], waits)
    assert "E" not in kinds(answers)
    assert database.execute("SELECT code FROM items WHERE code LIKE '0%'") == [("007",)]


def test_a_change_that_is_rolled_back_is_nobodys(start_gate, wire, database):
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    other, mine = wire(gate), wire(gate)
    other.ask("CREATE TABLE items (code int, at timestamp)")
    for message in [query("BEGIN"), query(CHANGE), parse("put", PUT) + SYNC, query("ROLLBACK")]:
        mine.send(message)
        mine.answer()
    described = ask(other, [parse("theirs", PUT), describe("S", "theirs")])
    assert next(payload for kind, payload in described if kind == "t") == struct.pack("!HI", 1, 23)


TAKEN_BACK = {
    "to_a_savepoint": [query("BEGIN; SAVEPOINT s"), query(CHANGE), "parse", query("ROLLBACK TO s")],
    "and_chain": [query("BEGIN"), query(CHANGE), "parse", query("ROLLBACK AND CHAIN")],
    "and_begun_anew": [query("BEGIN"), query(CHANGE), "parse", query("ROLLBACK; BEGIN")],
}


def types_of(described):
    return next(payload for kind, payload in described if kind == "t")


@pytest.mark.parametrize("way", TAKEN_BACK)
def test_who_prepares_behind_what_was_taken_back_finds_what_was_before(start_gate, wire, way):
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    mine = wire(gate)
    mine.ask("CREATE TABLE items (code int, at timestamp)")
    for message in TAKEN_BACK[way]:
        mine.send(parse("a", PUT) + SYNC if message == "parse" else message)
        mine.answer()
    assert types_of(ask(mine, [parse("b", PUT), describe("S", "b")])) == struct.pack("!HI", 1, 23)


def test_what_is_put_on_a_server_within_a_change_is_nobody_elses(start_gate, wire):
    gate = start_gate(upstream={"budget": 2}, route={"pool_size": 2})
    holder, mine, other = wire(gate), wire(gate), wire(gate)
    mine.ask("CREATE TABLE items (code int, at timestamp)")
    holder.ask("BEGIN")
    lacking = holder.ask("SELECT pg_backend_pid()")
    for client in (mine, other):
        ask(client, [parse("put", PUT)])
    other.ask("BEGIN")
    holder.ask("COMMIT")
    mine.ask("BEGIN")
    mine.ask(CHANGE)
    assert mine.ask("SELECT pg_backend_pid()") == lacking
    assert "E" not in kinds(ask(mine, [bind("", "put", b"1")]))
    mine.ask("ROLLBACK")
    other.ask("COMMIT")
    holder.ask("BEGIN")
    if holder.ask("SELECT pg_backend_pid()") == lacking:
        mine.ask("BEGIN")
        holder.ask("COMMIT")
    assert "E" not in kinds(ask(other, [bind("", "put", b"1"), execute()]))


def test_a_change_that_is_committed_and_chained_is_everybodys(start_gate, wire):
    gate = start_gate(route={"pool_size": 2})
    mine, other = wire(gate), wire(gate)
    mine.ask("CREATE TABLE items (code int, at timestamp)")
    mine.ask("BEGIN")
    ask(other, [parse("a", PUT)])
    mine.ask(CHANGE)
    mine.ask("COMMIT AND CHAIN")
    assert types_of(ask(other, [parse("b", PUT), describe("S", "b")])) == struct.pack("!HI", 1, 25)


HIDES = {
    "create_table_as": "CREATE TEMP TABLE items AS SELECT 'mine' AS whose",
    "select_into": "SELECT 'mine' AS whose INTO TEMP items",
    "explained": "EXPLAIN ANALYZE CREATE TEMP TABLE items AS SELECT 'mine' AS whose",
}


@pytest.mark.parametrize("way", HIDES)
def test_a_table_that_a_query_makes_is_seen_by_what_is_prepared_behind_it(start_gate, wire, way):
    gate = start_gate(route={"pool_size": 2})
    mine = wire(gate)
    mine.ask("CREATE TABLE items AS SELECT 'everybodys' AS whose; CREATE TEMP TABLE first (n int)")
    for name, row in (("s", "everybodys"), ("t", "mine")):
        answer = ask(mine, [parse(name, "SELECT whose FROM items"), bind("", name), execute(),
                            close("S", name)])
        assert [row_of(payload) for kind, payload in answer if kind == "D"] == [(row,)]
        if row == "everybodys":
            mine.ask(HIDES[way])


def test_a_procedure_may_define_anything(start_gate, wire, database):
    gate = start_gate(route={"pool_size": 1})
    mine = wire(gate)
    mine.ask("CREATE TABLE items (code int, at timestamp)")
    mine.ask(f"CREATE PROCEDURE migrate() LANGUAGE plpgsql AS $$ BEGIN {CHANGE}; END $$")
    ask(mine, [parse("a", PUT), close("S", "a")])
    mine.ask("CALL migrate()")
    assert types_of(ask(mine, [parse("b", PUT), describe("S", "b")])) == struct.pack("!HI", 1, 25)
