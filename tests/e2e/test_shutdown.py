"""SIGTERM: transactions finish, then the process leaves; a second one: it leaves now."""
import contextlib
import signal
import socket
import struct

import psycopg
import pytest

from harness.forwarding import Middleman
from harness.waiting import eventually
from harness.wire import PROTOCOL_3_0, ServerError, Wire, query, string


@pytest.fixture
def ending_gate(start_gate):
    """A gate that the test itself ends."""
    gate = start_gate()
    gate.may_have_left = True
    return gate


def test_a_transaction_finishes(ending_gate, database, wire):
    database.execute(f"CREATE TABLE t (n int); GRANT ALL ON t TO {database.user}")
    client, idle = wire(ending_gate), wire(ending_gate)
    idle.ask("SELECT 1")
    client.ask("BEGIN")
    client.ask("INSERT INTO t VALUES (1)")
    ending_gate.terminate()
    eventually(lambda: not can_connect(ending_gate), what="a closed door")
    assert client.ask("SELECT count(*) FROM t") == [("1",)]
    client.ask("COMMIT")
    assert ending_gate.process.wait(timeout=15) == 0
    assert database.execute("SELECT count(*) FROM t") == [(1,)]
    assert idle.at_end()


def can_connect(gate):
    try:
        gate.connect(connect_timeout=3).close()
        return True
    except psycopg.OperationalError:
        return False


def test_while_it_leaves_newcomers_are_refused_and_not_kept_waiting(ending_gate, wire):
    client = wire(ending_gate)
    client.ask("BEGIN")
    ending_gate.terminate()
    eventually(lambda: is_refused(ending_gate), what="a connection refused")
    client.ask("COMMIT")
    assert ending_gate.process.wait(timeout=15) == 0


def is_refused(gate):
    try:
        socket.create_connection(("127.0.0.1", gate.port), timeout=3).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it had come before the door was closed


def test_with_servers_kept_ready_it_leaves_them_none(start_gate, database, wire):
    gate = start_gate(route={"min_idle": 2})
    gate.may_have_left = True
    wire(gate).ask("SELECT 1")
    eventually(lambda: len(database.servers()) >= 2, what="servers kept ready")
    gate.terminate()
    assert gate.process.wait(timeout=15) == 0
    assert not database.servers()


def test_without_transactions_it_leaves_at_once_and_closes_its_servers(ending_gate, database, wire):
    wire(ending_gate).ask("SELECT 1")
    ending_gate.terminate()
    assert ending_gate.process.wait(timeout=15) == 0
    eventually(lambda: not database.servers(), what="no servers left")


def test_the_second_signal_ends_transactions(ending_gate, database, wire):
    client = wire(ending_gate)
    client.ask("BEGIN")
    client.send(query("SELECT pg_sleep(34)"))
    eventually(lambda: database.active("pg_sleep(34)"))
    ending_gate.terminate()
    eventually(lambda: not can_connect(ending_gate), what="a closed door")
    assert ending_gate.process.poll() is None
    ending_gate.terminate()
    ending_gate.process.wait(timeout=15)
    with pytest.raises((ServerError, EOFError, ConnectionResetError)):
        client.answer()


@pytest.mark.parametrize("already_leaving", [False, True])
def test_sigquit_ends_transactions_at_once(ending_gate, wire, already_leaving):
    client = wire(ending_gate)
    client.ask("BEGIN")
    if already_leaving:
        ending_gate.terminate()
        eventually(lambda: not can_connect(ending_gate), what="a closed door")
    ending_gate.process.send_signal(signal.SIGQUIT)
    assert ending_gate.process.wait(timeout=15) == 0
    kind, payload = client.receive()
    assert (kind, ServerError(payload).sqlstate) == ("E", "57P01")
    assert client.at_end()
    assert "leaving at once" in ending_gate.log()


def test_a_client_that_never_ends_its_transaction_is_named_and_then_left_behind(start_gate, database,
                                                                                wire):
    gate = start_gate(top={"shutdown_timeout": "3s"})
    gate.may_have_left = True
    stuck = wire(gate)
    stuck.ask("BEGIN")
    port = stuck.socket.getsockname()[1]
    gate.terminate()
    line = eventually(lambda: event(gate, "leaving: waiting for clients"), what="a word on whom")
    assert "clients=1" in line and "shutdown_timeout=3s" in line
    assert f"{database.user}@{database.name} from 127.0.0.1:{port} in a transaction for " in line
    assert gate.process.wait(timeout=15) == 0
    line = event(gate, "shutdown_timeout passed: leaving at once")
    assert f"from 127.0.0.1:{port} in a transaction" in line
    kind, payload = stuck.receive()
    assert (kind, ServerError(payload).sqlstate) == ("E", "57P01")
    assert stuck.at_end()


def event(gate, name):
    return next((line for line in gate.log().splitlines() if f'event="{name}"' in line), None)


def test_who_still_waits_for_a_server_is_told_when_the_time_is_over(start_gate, database, wire):
    gate = start_gate(top={"shutdown_timeout": "2s"}, route={"pool_size": 1})
    gate.may_have_left = True
    stuck, waiting = wire(gate), wire(gate)
    stuck.ask("BEGIN")
    waiting.send(query("SELECT 1"))
    gate.terminate()
    line = eventually(lambda: event(gate, "leaving: waiting for clients"), what="a word on whom")
    assert "clients=2" in line and "waiting for a server for " in line
    kind, payload = waiting.receive()
    assert (kind, ServerError(payload).sqlstate) == ("E", "57P01")
    assert gate.process.wait(timeout=15) == 0


@pytest.fixture
def distant_gate(start_gate, database, wire):
    """A gate whose one server runs through a middleman, and waits long for its end."""
    with contextlib.closing(Middleman(database.postgres)) as middleman:
        gate = start_gate(upstream={"host": [middleman.address], "close_timeout": "60s"},
                          top={"shutdown_timeout": "50s"}, route={"pool_size": 1})
        gate.may_have_left = True
        wire(gate).ask("SELECT 1")
        yield gate, middleman


def test_the_end_of_a_database_that_cannot_be_heard_is_not_waited_for(distant_gate):
    gate, middleman = distant_gate
    middleman.cut()
    eventually(lambda: event(gate, "server lost"), what="the end of the server")
    gate.terminate()
    assert gate.process.wait(timeout=15) == 0
    assert "the database may count it for a while yet" in event(gate, "server not awaited")


def test_the_second_signal_ends_the_wait_for_databases(distant_gate):
    gate, middleman = distant_gate
    middleman.stop()
    gate.terminate()
    line = eventually(lambda: event(gate, "leaving: waiting for databases to close their ends"),
                      what="a word on whom")
    assert "clients=0 servers=1" in line
    gate.terminate()
    assert gate.process.wait(timeout=15) == 0
    assert event(gate, "second signal: leaving at once")


def test_by_default_leaving_has_an_end(gate):
    with gate.connect(dbname="tidegate") as connection:
        settings = {row[0]: row[1] for row in connection.execute("SHOW CONFIG").fetchall()}
    assert settings["shutdown_timeout"] == "20s"


def test_who_has_proven_nothing_is_not_waited_for(ending_gate, database):
    """A stranger that keeps its login open."""
    with Wire(ending_gate.host, ending_gate.port) as stranger:
        parameters = string("user") + string("a stranger") + string("database") + string(database.name)
        body = struct.pack("!I", PROTOCOL_3_0) + parameters + b"\0"
        stranger.send(struct.pack("!I", len(body) + 4) + body)
        assert stranger.receive()[0] == "R", "asked for a proof"
        ending_gate.terminate()
        kind, payload = stranger.receive()
        assert (kind, ServerError(payload).sqlstate) == ("E", "57P01")
        assert not event(ending_gate, "shutdown_timeout passed: leaving at once")
        assert stranger.at_end()
    assert ending_gate.process.wait(timeout=15) == 0


def test_who_has_heard_it_and_keeps_its_end_open_is_not_waited_for(ending_gate, wire):
    clients = [wire(ending_gate) for _ in range(3)]
    clients[0].ask("SELECT 1")
    ending_gate.terminate()
    assert ending_gate.process.wait(timeout=15) == 0
    assert "clients=0 servers=0" not in ending_gate.log(), "somebody was waited for"
    for client in clients:
        kind, payload = client.receive()
        assert (kind, ServerError(payload).sqlstate) == ("E", "57P01")
        assert client.at_end()
