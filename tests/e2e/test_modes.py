"""pool_mode = statement and pool_mode = session."""
import threading

import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import SYNC, ServerError, bind, execute, parse, query


@pytest.fixture
def statement_gate(start_gate, database):
    database.execute(f"CREATE TABLE t (n int); GRANT ALL ON t TO {database.user}")
    return start_gate(route={"pool_mode": "statement", "pool_size": 2})


def nothing_is_open(database):
    return database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%'") == [(0,)]


OPENINGS = ["BEGIN", "START TRANSACTION", "/* c */ begin isolation level serializable"]
AMONG_OTHERS = ["BEGIN; INSERT INTO t VALUES (1); COMMIT", "INSERT INTO t VALUES (1); BEGIN",
                "SELECT 1; BEGIN; SELECT 2", "BEGIN; INSERT INTO t VALUES (1)"]


@pytest.mark.parametrize("request_of", [
    *[query(text) for text in OPENINGS + AMONG_OTHERS],
    *[parse("", text) + bind("", "") + execute() + SYNC for text in OPENINGS]], ids=range(10))
def test_statement_mode_refuses_to_open_a_transaction(statement_gate, database, wire, request_of):
    warm_up(statement_gate, wire)
    client, other = wire(statement_gate), wire(statement_gate)
    client.send(request_of)
    with pytest.raises(ServerError) as caught:
        client.answer()
    assert caught.value.sqlstate == "0A000"
    assert "set pool_mode = transaction" in caught.value.fields["M"]
    assert "session of its own" not in caught.value.fields["M"]
    eventually(lambda: nothing_is_open(database), what="no open transaction")
    assert other.ask("SELECT count(*) FROM t") == [("0",)]
    for _ in range(4):
        assert other.ask("SELECT 1") == [("1",)]


def warm_up(gate, wire):
    """Both servers of a statement pool, which no transaction can hold at once."""
    clients = [wire(gate) for _ in range(2)]
    for client in clients:
        client.send(query("SELECT pg_sleep(0.2)"))
    for client in clients:
        client.answer()


def test_statement_mode_refuses_a_transaction_in_a_pipeline(statement_gate, database, wire):
    client = wire(statement_gate)
    statements = ["BEGIN", "INSERT INTO t VALUES (1)"]
    client.send(*[parse("", sql) + bind("", "") + execute() for sql in statements], SYNC)
    with pytest.raises(ServerError) as caught:
        client.answer()
    assert caught.value.sqlstate == "0A000"
    eventually(lambda: nothing_is_open(database), what="no open transaction")
    assert database.execute("SELECT count(*) FROM t") == [(0,)]


def test_statement_mode_changes_servers_after_every_statement(statement_gate, database, wire):
    warm_up(statement_gate, wire)
    client = wire(statement_gate)
    assert len({client.ask("SELECT pg_backend_pid()")[0] for _ in range(10)}) == 2
    client.send(parse("s", "SELECT pg_backend_pid()"), SYNC)
    client.receive_until("Z")
    seen = set()
    for _ in range(10):
        client.send(bind("", "s"), execute(), SYNC)
        seen.add(client.answer()[0])
    assert len(seen) == 2


def test_statement_mode_takes_several_statements_without_a_transaction(statement_gate, wire):
    client = wire(statement_gate)
    assert client.ask("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);"
                      " SELECT count(*) FROM t") == [("2",)]
    with pytest.raises(ServerError):
        client.ask("INSERT INTO t VALUES (3); SELECT 1 / 0")
    assert client.ask("SELECT count(*) FROM t") == [("2",)]


def test_statement_mode_with_a_driver_in_autocommit(statement_gate, wire):
    with statement_gate.connect() as connection:
        connection.prepare_threshold = 0
        for number in range(20):
            assert connection.execute("SELECT %s::int", (number,)).fetchone() == (number,)
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("BEGIN")


@pytest.fixture
def session_gate(start_gate):
    return start_gate(route={"pool_mode": "session", "pool_size": 1, "pool_timeout": "10s"})


def test_session_mode_gives_the_server_back_at_the_end_only(session_gate, wire):
    first, second = wire(session_gate), wire(session_gate)
    (pid,), = first.ask("SELECT pg_backend_pid()")
    second.send(query("SELECT pg_backend_pid()"))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(second.answer()))
    waiting.start()
    for _ in range(20):
        assert first.ask("SELECT pg_backend_pid()") == [(pid,)]
    assert answers == []
    first.close()
    waiting.join(timeout=15)
    assert len(answers) == 1


def test_session_mode_in_time_or_not_at_all(start_gate, wire):
    gate = start_gate(route={"pool_mode": "session", "pool_size": 1, "pool_timeout": "500ms"})
    holder, waiter = wire(gate), wire(gate)
    holder.ask("SELECT 1")
    with pytest.raises(ServerError) as caught:
        waiter.ask("SELECT 1")
    assert caught.value.sqlstate == "53300"


LEAVE_BEHIND = [
    "SET TimeZone = 'Asia/Tokyo'", "SET statement_timeout = '77s'", "SET my.own = 'left'",
    "CREATE TEMP TABLE scratch (n int)", "SELECT pg_advisory_lock(11)", "LISTEN news",
    "PREPARE by_sql AS SELECT 'left behind'", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; COMMIT"]


@pytest.mark.parametrize("leave", ["close", "reset", "in a transaction", "in a failed one",
                                   "in a query"])
def test_session_mode_leaves_nothing_to_the_next(session_gate, database, wire, leave):
    fresh = wire(session_gate)
    look = ("SELECT current_setting('TimeZone'), current_setting('statement_timeout'),"
            " current_setting('transaction_read_only'), to_regclass('pg_temp.scratch'),"
            " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
            " (SELECT count(*) FROM pg_listening_channels()),"
            " (SELECT count(*) FROM pg_cursors WHERE name = 'held'),"
            " (SELECT count(*) FROM pg_prepared_statements WHERE name = 'by_sql'),"
            " coalesce(current_setting('my.own', true), '')")
    before = fresh.ask(look)
    fresh.close()
    client = wire(session_gate)
    for statement in LEAVE_BEHIND:
        client.ask(statement)
    assert client.ask(look) != before
    if leave == "in a transaction":
        client.ask("BEGIN")
    elif leave == "in a failed one":
        with pytest.raises(ServerError):
            client.ask("BEGIN; SELECT 1 / 0")
    elif leave == "in a query":
        client.ask("SET statement_timeout = 0")
        client.send(query("SELECT pg_sleep(37)"))
        eventually(lambda: database.active("pg_sleep(37)"))
    client.reset() if leave != "close" else client.close()
    assert wire(session_gate).ask(look) == before


def test_session_mode_keeps_names_apart(start_gate, wire):
    gate = start_gate(route={"pool_mode": "session", "pool_size": 1})
    for number in range(5):
        client = wire(gate)
        client.send(parse("s", f"SELECT {number}"), SYNC)
        client.receive_until("Z")
        client.send(bind("", "s"), execute(), SYNC)
        assert client.answer() == [(str(number),)]
        client.close()


def test_session_mode_survives_the_death_of_a_server(session_gate, database, wire):
    client = wire(session_gate)
    (pid,), = client.ask("SELECT pg_backend_pid()")
    database.terminate(int(pid))
    eventually(lambda: int(pid) not in database.servers())
    with pytest.raises((ServerError, EOFError, ConnectionError)) as caught:
        client.ask("SELECT 1")
    if caught.type is ServerError:
        assert caught.value.sqlstate in ("57P01", "08006")
    assert wire(session_gate).ask("SELECT 1") == [("1",)]
