"""Servers that die: seen as exactly one true error, or not at all."""
import os
import signal
import socket
import threading

import psycopg
import pytest

from harness.forwarding import forward
from harness.waiting import eventually
from harness.wire import ServerError, query


def errors_until_end(client):
    """Every ErrorResponse until the connection ends or is ready again."""
    errors = []
    try:
        while True:
            kind, payload = client.receive()
            if kind == "E":
                errors.append(ServerError(payload))
            elif kind == "Z":
                return errors
    except (EOFError, ConnectionResetError):
        return errors


@pytest.mark.parametrize("begin", [False, True])
def test_killed_in_the_middle_of_a_query(gate, database, wire, begin):
    client = wire(gate)
    if begin:
        client.ask("BEGIN")
    client.send(query("SELECT pg_sleep(32)"))
    pid, = eventually(lambda: database.active("pg_sleep(32)"))
    database.terminate(pid)
    errors = errors_until_end(client)
    assert [error.sqlstate in ("57P01", "08006") for error in errors] == [True]
    assert wire(gate).ask("SELECT 1") == [("1",)]


def test_killed_in_an_idle_transaction(gate, database, wire):
    client = wire(gate)
    client.ask("BEGIN")
    (pid,), = client.ask("SELECT pg_backend_pid()")
    database.terminate(int(pid))
    eventually(lambda: int(pid) not in database.servers())
    client.send(query("SELECT 1"))
    errors = errors_until_end(client)
    assert [error.sqlstate in ("57P01", "08006") for error in errors] == [True]


def test_a_dead_idle_server_is_replaced_unseen(gate, database, warm):
    with gate.connect() as connection:
        for _ in range(5):
            warm(gate)
            database.terminate_servers()
            for _ in range(6):
                assert connection.execute("SELECT 1").fetchone() == (1,)


def test_clients_that_idle_do_not_notice_dying_servers(gate, database, wire, warm):
    clients = [wire(gate) for _ in range(10)]
    for client in clients:
        client.ask("SET TimeZone = 'Asia/Tokyo'")
    database.terminate_servers()
    for client in clients:
        assert client.ask("SHOW TimeZone") == [("Asia/Tokyo",)]


def test_a_database_that_refuses_connections_is_said_so(start_gate, wire):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        port = reserved.getsockname()[1]
        gate = start_gate(upstream={"host": [f"127.0.0.1:{port}"]}, route={"pool_timeout": "2s"})
        with pytest.raises(ServerError) as caught:
            wire(gate).ask("SELECT 1")
        assert caught.value.sqlstate[:2] in ("08", "53")


def test_a_database_that_accepts_and_says_nothing_times_out(start_gate, wire):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        gate = start_gate(upstream={"host": [f"127.0.0.1:{port}"], "connect_timeout": "1s"},
                          route={"pool_timeout": "3s"})
        with pytest.raises(ServerError) as caught:
            wire(gate).ask("SELECT 1")
        assert caught.value.sqlstate[:2] in ("08", "53")


def test_servers_that_a_firewall_forgot_hold_nobody_up(start_gate, database, wire, warm):
    gate = start_gate(upstream={"connect_timeout": "10min"},
                      route={"pool_size": 6, "ping_after": "1ms", "ping_timeout": "300ms",
                             "pool_timeout": "10min"})
    warm(gate, 3)
    forgotten = database.servers()
    for pid in forgotten:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert wire(gate).ask("SELECT 1") == [("1",)]
    finally:
        for pid in forgotten:
            os.kill(pid, signal.SIGCONT)


def test_the_second_host_is_used_when_the_first_is_down(start_gate, database, wire):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        down = reserved.getsockname()[1]
        postgres = database.postgres
        gate = start_gate(upstream={"host": [f"127.0.0.1:{down}",
                                              f"{postgres.host}:{postgres.port}"]})
        assert wire(gate).ask("SELECT 1") == [("1",)]


def test_old_servers_are_recycled(start_gate, database, wire):
    gate = start_gate(route={"pool_size": 1, "pool_recycle": "1s"})
    client = wire(gate)
    (first,), = client.ask("SELECT pg_backend_pid()")
    eventually(lambda: client.ask("SELECT pg_backend_pid()") != [(first,)],
               what="a server younger than the first")


def test_waiting_clients_are_served_after_an_outage(start_gate, database, wire):
    """A relay in front of the database plays its host: down at first, then up."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        gate = start_gate(upstream={"host": [f"127.0.0.1:{port}"]}, route={"pool_timeout": "20s"})
        answers = []

        def ask():
            client = wire(gate)
            while True:
                try:
                    answers.append(client.ask("SELECT 'up'"))
                    return
                except ServerError as error:
                    assert error.sqlstate[:2] in ("08", "53")
                    client = wire(gate)
                except EOFError:
                    client = wire(gate)

        asking = threading.Thread(target=ask)
        asking.start()
        eventually(lambda: "connect_failed" in gate.log() or answers, what="a failed connect")
        reserved.listen()
        stop = threading.Event()
        threading.Thread(target=forward, args=(reserved, database.postgres, stop)).start()
        asking.join(timeout=30)
        stop.set()
        assert answers == [[("up",)]]



def test_a_refusal_over_tls_is_told_in_the_databases_words(start_gate, database):
    """Its last words and its end of the connection arrive together."""
    gate = start_gate(upstream={"sslmode": "require", "user": database.user, "password": "wrong"})
    with pytest.raises(psycopg.OperationalError):
        gate.connect()
    eventually(lambda: "reason=server_login_failed" in gate.log(), what="the refusal in the log")
    assert "password authentication failed" in gate.log()
    assert "reason=server_lost" not in gate.log()
