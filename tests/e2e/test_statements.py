"""Prepared statements keep their promise although the servers behind them change."""
import psycopg
import pytest

from harness.wire import (SYNC, FLUSH, ServerError, bind, close, describe, execute, parse, query,
                          row_of)


def kinds(messages):
    return "".join(kind for kind, _ in messages)


def rows(messages):
    return [row_of(payload) for kind, payload in messages if kind == "D"]


def error_of(messages):
    return next(ServerError(payload) for kind, payload in messages if kind == "E")


def ask_bound(client, name, *values):
    client.send(bind("", name, *values), execute(), SYNC)
    return client.receive_until("Z")


def test_statements_work_on_servers_that_never_saw_them(gate, warm):
    warm(gate)
    with gate.connect() as connection:
        connection.prepare_threshold = 0
        pids = set()
        for number in range(30):
            pid, value = connection.execute("SELECT pg_backend_pid(), %s::int + 1",
                                            (number,)).fetchone()
            assert value == number + 1
            pids.add(pid)
        assert len(pids) > 1


def test_one_name_means_what_its_own_client_said(gate, wire, warm):
    warm(gate)
    one, two = wire(gate), wire(gate)
    one.send(parse("s", "SELECT 'one'"), SYNC)
    two.send(parse("s", "SELECT 'two'"), SYNC)
    assert kinds(one.receive_until("Z")) == kinds(two.receive_until("Z")) == "1Z"
    for _ in range(10):
        assert rows(ask_bound(one, "s")) == [("one",)]
        assert rows(ask_bound(two, "s")) == [("two",)]


def test_the_bytes_of_a_clients_statements_have_a_limit(start_gate, wire):
    gate = start_gate(route={"client_statement_bytes_max": "1kB"})
    client, text = wire(gate), f"SELECT '{'x' * 600}'"
    client.send(parse("one", text), SYNC)
    assert kinds(client.receive_until("Z")) == "1Z"
    client.send(parse("two", text), SYNC)
    refused = error_of(client.receive_until("Z"))
    assert refused.sqlstate == "53400" and "client_statement_bytes_max" in str(refused)
    assert rows(ask_bound(client, "one")) == [("x" * 600,)]
    client.send(close("S", "one"), parse("two", text), SYNC)
    assert kinds(client.receive_until("Z")) == "31Z"


def test_many_statements_beyond_the_servers_cache(start_gate, wire):
    gate = start_gate(route={"pool_size": 2, "server_statements_max": 3})
    client = wire(gate)
    for number in range(20):
        client.send(parse(f"s{number}", f"SELECT {number}"))
    client.send(SYNC)
    client.receive_until("Z")
    for number in list(range(20)) + list(range(19, -1, -1)):
        assert rows(ask_bound(client, f"s{number}")) == [(str(number),)]


def test_describe_of_a_statement_this_server_never_saw(gate, wire, warm):
    warm(gate)
    client = wire(gate)
    client.send(parse("s", "SELECT $1::int AS n"), SYNC)
    client.receive_until("Z")
    for _ in range(10):
        client.send(describe("S", "s"), SYNC)
        assert kinds(client.receive_until("Z")) == "tTZ"


def test_unknown_and_duplicate_names_are_postgresqls_own_errors(gate, wire):
    client = wire(gate)
    unknown = ask_bound(client, "nothing")
    assert (kinds(unknown), error_of(unknown).sqlstate) == ("EZ", "26000")
    client.send(parse("s", "SELECT 1"), SYNC, parse("s", "SELECT 2"), SYNC)
    assert kinds(client.receive_until("Z")) == "1Z"
    duplicate = client.receive_until("Z")
    assert (kinds(duplicate), error_of(duplicate).sqlstate) == ("EZ", "42P05")
    assert rows(ask_bound(client, "s")) == [("1",)]


def test_everything_up_to_sync_is_skipped_after_an_error(gate, wire):
    client = wire(gate)
    client.send(bind("", "nothing"), execute(), parse("late", "SELECT 1"), query("SELECT 2"), SYNC)
    assert kinds(client.receive_until("Z")) == "EZ"
    assert error_of(ask_bound(client, "late")).sqlstate == "26000"


def test_a_failed_parse_leaves_no_name_behind(gate, wire, warm):
    warm(gate)
    client = wire(gate)
    client.send(parse("s", "SELEC 1"), SYNC)
    assert error_of(client.receive_until("Z")).sqlstate == "42601"
    client.send(parse("s", "SELECT 1"), SYNC)
    assert kinds(client.receive_until("Z")) == "1Z"
    for _ in range(6):
        assert rows(ask_bound(client, "s")) == [("1",)]


def test_close_frees_the_name_and_forgives_unknown_ones(gate, wire):
    client = wire(gate)
    client.send(close("S", "never"), parse("s", "SELECT 1"), close("S", "s"),
                parse("s", "SELECT 2"), SYNC)
    assert kinds(client.receive_until("Z")) == "3131Z"
    assert rows(ask_bound(client, "s")) == [("2",)]


def test_unnamed_statement_survives_its_sync(gate, wire, warm):
    """Legal in PostgreSQL, and several drivers do it: Parse and Describe first, Bind next time."""
    warm(gate)
    one, two = wire(gate), wire(gate)
    for number in range(10):
        one.send(parse("", f"SELECT {number}"), describe("S", ""), SYNC)
        two.send(parse("", f"SELECT {number} + 1000"), describe("S", ""), SYNC)
        one.receive_until("Z")
        two.receive_until("Z")
        assert rows(ask_bound(one, "")) == [(str(number),)]
        assert rows(ask_bound(two, "")) == [(str(number + 1000),)]


@pytest.mark.parametrize("forget", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_forgetting_all_forgets_only_ones_own(gate, wire, warm, forget):
    warm(gate)
    one, two = wire(gate), wire(gate)
    for client in (one, two):
        client.send(parse("s", "SELECT 1"), SYNC)
        client.receive_until("Z")
    one.ask(forget)
    assert error_of(ask_bound(one, "s")).sqlstate == "26000"
    for _ in range(6):
        assert rows(ask_bound(two, "s")) == [("1",)]
    one.send(parse("s", "SELECT 3"), SYNC)
    assert kinds(one.receive_until("Z")) == "1Z"
    assert rows(ask_bound(one, "s")) == [("3",)]


def test_prepare_and_execute_in_sql(gate, warm):
    warm(gate)
    with gate.connect() as mine, gate.connect() as other:
        mine.execute("PREPARE twice(int) AS SELECT $1 * 2")
        for number in range(8):
            assert mine.execute(f"EXECUTE twice({number})").fetchone() == (number * 2,)
            with pytest.raises(psycopg.errors.InvalidSqlStatementName):
                other.execute("EXECUTE twice(1)")
        mine.execute("DEALLOCATE twice")
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            mine.execute("EXECUTE twice(1)")


def test_a_changed_result_type_outside_a_transaction_goes_unnoticed(gate, database, wire, warm):
    database.execute(f"CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
                     f" GRANT ALL ON t TO {database.user}")
    warm(gate)
    client = wire(gate)
    client.send(parse("s", "SELECT * FROM t"), SYNC)
    client.receive_until("Z")
    for _ in range(6):
        assert rows(ask_bound(client, "s")) == [("1",)]
    database.execute("ALTER TABLE t ADD COLUMN b int DEFAULT 2")
    for _ in range(6):
        client.send(bind("", "s"), describe("P", ""), execute(), SYNC)
        assert rows(client.receive_until("Z")) == [("1", "2")]


def test_what_shapes_a_texts_reading_is_part_of_the_statement(start_gate, wire):
    """PostgreSQL reads the literal when it parses, so these two are different statements."""
    gate = start_gate(route={"pool_size": 1})
    expected = {"ISO, DMY": "2", "ISO, MDY": "1"}
    clients = {style: wire(gate, DateStyle=style) for style in expected}
    for client in clients.values():
        client.send(parse("s", "SELECT extract(month from date '01/02/2003')::int"), SYNC)
        client.receive_until("Z")
    for _ in range(4):
        for style, client in clients.items():
            assert rows(ask_bound(client, "s")) == [(expected[style],)]


def test_flush_is_answered_without_a_ready(gate, wire):
    client = wire(gate)
    client.send(parse("", "SELECT 1"), bind("", ""), describe("P", ""), FLUSH)
    assert kinds(client.receive_until("T")) == "12T"
    client.send(execute(), FLUSH)
    assert kinds(client.receive_until("C")) == "DC"
    client.send(SYNC)
    assert kinds(client.receive_until("Z")) == "Z"


def test_portals_are_read_in_parts(gate, wire):
    client = wire(gate)
    client.send(query("BEGIN"))
    client.receive_until("Z")
    client.send(parse("", "SELECT generate_series(1, 5)"), bind("p", ""), execute("p", 2), SYNC)
    assert kinds(client.receive_until("Z")) == "12DDsZ"
    client.send(execute("p", 2), SYNC, execute("p", 2), SYNC)
    assert kinds(client.receive_until("Z")) == "DDsZ"
    assert kinds(client.receive_until("Z")) == "DCZ"
    client.send(bind("", ""), execute("unknown"), SYNC)
    assert error_of(client.receive_until("Z")).sqlstate == "34000"


def test_pipelined_groups_are_answered_in_order(gate, wire, warm):
    warm(gate)
    client = wire(gate)
    client.send(parse("n", "SELECT $1::int"), SYNC)
    client.receive_until("Z")
    client.send(b"".join(bind("", "n", str(number).encode()) + execute() + SYNC
                         for number in range(500)))
    for number in range(500):
        assert rows(client.receive_until("Z")) == [(str(number),)]


def test_simple_queries_sent_ahead_are_answered_in_order(gate, wire):
    client = wire(gate)
    client.send(b"".join(query(f"SELECT {number}") for number in range(300)))
    for number in range(300):
        assert client.answer() == [(str(number),)]


def test_texts_beyond_the_limit_work_too(start_gate, wire):
    gate = start_gate(route={"pool_size": 2})
    client = wire(gate)
    text = "SELECT length($$" + "x" * 1_000_000 + "$$)"
    client.send(parse("long", text), SYNC)
    assert kinds(client.receive_until("Z")) == "1Z"
    for _ in range(4):
        assert rows(ask_bound(client, "long")) == [("1000000",)]
