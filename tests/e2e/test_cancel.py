"""A cancel reaches the query that it was meant for, or nothing."""
import threading

import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import ServerError, query, send_cancel


def test_cancel_ends_the_query_and_nothing_else(gate, database):
    with gate.connect() as connection:
        for _ in range(3):
            timer = threading.Thread(target=lambda: (
                eventually(lambda: database.active("pg_sleep(30)")), connection.cancel()))
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(30)")
            timer.join()
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_cancel_inside_a_transaction(gate, database):
    with gate.connect(autocommit=False) as connection:
        connection.execute("SELECT 1")
        timer = threading.Thread(target=lambda: (
            eventually(lambda: database.active("pg_sleep(31)")), connection.cancel()))
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(31)")
        timer.join()
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_trap17_cancel_never_hits_the_next_client(start_gate, wire):
    """One server for all: a cancel that comes too late must not end what runs there by then."""
    gate = start_gate(route={"pool_size": 1})
    stop = threading.Event()
    others = [wire(gate), wire(gate)]
    hit = []

    def work(client):
        while not stop.is_set():
            try:
                client.ask("SELECT pg_sleep(0.001)")
            except ServerError as error:
                hit.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in others]
    for thread in threads:
        thread.start()
    canceller = wire(gate)
    for _ in range(150):
        canceller.send(query("SELECT pg_sleep(0.0005)"))
        send_cancel(gate.host, gate.port, canceller.pid, canceller.key)
        try:
            canceller.answer()
        except ServerError as error:
            assert error.sqlstate == "57014"
    stop.set()
    for thread in threads:
        thread.join()
    assert hit == []


def test_trap17_cancel_does_not_hit_the_settings_that_come_before_the_query(start_gate, wire):
    """One server for two sessions with settings of their own, so that each query comes behind some."""
    gate = start_gate(route={"pool_size": 1})
    settings = [("statement_timeout", "7s"), ("search_path", "one, two"), ("my.own", "mine")]
    mine, other = wire(gate, **dict(settings)), wire(gate, statement_timeout="9s")
    cancelled = 0
    for _ in range(60):
        other.ask("SELECT 1")
        mine.send(query("SELECT pg_sleep(0.05)"))
        send_cancel(gate.host, gate.port, mine.pid, mine.key)
        try:
            mine.answer()
        except ServerError as error:
            assert error.sqlstate == "57014"
            cancelled += 1
        for name, value in settings:
            assert mine.ask(f"SHOW {name}") == [(value,)]
    assert cancelled > 0


def test_cancel_of_an_idle_client_does_nothing(gate, wire):
    client = wire(gate)
    for _ in range(20):
        send_cancel(gate.host, gate.port, client.pid, client.key)
        assert client.ask("SELECT 1") == [("1",)]


def test_cancel_with_a_wrong_key_does_nothing(gate, database, wire):
    client = wire(gate)
    client.send(query("SELECT pg_sleep(0.5)"))
    eventually(lambda: database.active("pg_sleep"))
    wrong = bytes(byte ^ 0x55 for byte in client.key)
    send_cancel(gate.host, gate.port, client.pid, wrong)
    send_cancel(gate.host, gate.port, client.pid ^ 1, client.key)
    assert client.answer() == [("",)]


def test_cancel_of_a_client_that_waits_for_a_server(start_gate, wire):
    gate = start_gate(route={"pool_size": 1})
    holder, waiter = wire(gate), wire(gate)
    holder.ask("BEGIN")
    waiter.send(query("SELECT 1"))
    # Nothing tells from outside when the query has arrived, so the cancel is repeated.
    stop = threading.Event()

    def repeat():
        while not stop.is_set():
            send_cancel(gate.host, gate.port, waiter.pid, waiter.key)
            stop.wait(0.05)

    thread = threading.Thread(target=repeat)
    thread.start()
    with pytest.raises(ServerError) as caught:
        waiter.answer()
    stop.set()
    thread.join()
    assert caught.value.sqlstate == "57014"
    holder.ask("COMMIT")
    assert waiter.ask("SELECT 2") == [("2",)]


def test_the_log_says_whose_statement_was_to_be_cancelled(gate, database, wire):
    client = wire(gate)
    client.send(query("SELECT pg_sleep(35)"))
    eventually(lambda: database.active("pg_sleep(35)"))
    send_cancel(gate.host, gate.port, client.pid, client.key)
    with pytest.raises(ServerError, match="57014"):
        client.answer()
    send_cancel(gate.host, gate.port, client.pid, client.key)
    send_cancel(gate.host, gate.port, client.pid, bytes(4))
    lines = eventually(lambda: (lambda found: found if len(found) == 3 else None)(
        [line for line in gate.log().splitlines() if 'event="cancel requested"' in line]))
    port = client.socket.getsockname()[1]
    session = f"user={database.user} database={database.name} session=127.0.0.1:{port}"
    assert f'{session} detail="its statement" address=127.0.0.1:' in lines[0]
    assert f'{session} detail="it runs nothing" address=127.0.0.1:' in lines[1]
    assert 'detail="no session has that key" address=127.0.0.1:' in lines[2]
    assert "user=" not in lines[2]
