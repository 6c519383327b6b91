"""Nothing is lost by leaving, and nothing is left behind."""
import os
import socket
import ssl

import pytest

from harness.waiting import eventually
from harness.wire import SYNC, TERMINATE, Wire, bind, execute, parse, query


@pytest.fixture
def table(database):
    database.execute(f"CREATE TABLE marks (n int); GRANT ALL ON marks TO {database.user}")


def marks(database):
    return database.execute("SELECT count(*) FROM marks")[0][0]


def test_terminate_right_after_a_query(gate, database, table, wire):
    for number in range(1, 21):
        client = wire(gate)
        client.send(query("INSERT INTO marks VALUES (1)"), TERMINATE)
        client.close()
        eventually(lambda: marks(database) == number, what=f"row {number}")


def test_terminate_right_after_a_pipeline(gate, database, table, wire):
    client = wire(gate)
    client.send(parse("s", "INSERT INTO marks VALUES (1)"))
    for _ in range(50):
        client.send(bind("", "s"), execute(), SYNC)
    client.send(TERMINATE)
    assert client.at_end()  # to close with answers unread would be a reset
    eventually(lambda: marks(database) == 50, what="all fifty rows")


def test_trap20_half_closed_after_a_query_still_gets_its_answer(gate, database, table, wire):
    client = wire(gate)
    client.send(query("INSERT INTO marks SELECT 1 FROM pg_sleep(0.2)"))
    client.socket.shutdown(socket.SHUT_WR)
    assert [kind for kind, _ in client.receive_until("Z")] == ["C", "Z"]
    assert client.at_end()
    assert marks(database) == 1


@pytest.mark.parametrize("half_closed", [False, True])
def test_trap20_close_notify_after_a_query_still_gets_its_answer(start_gate, database, table, wire,
                                                                 half_closed):
    """The end of a TLS stream is the end of what is sent, with or without the end of TCP's."""
    gate = start_gate(tls={"sslmode": "require"})
    with Wire(gate.host, gate.port) as client:
        client.start_tls()
        client.login(database.user, database.name, database.password)
        client.send(query("INSERT INTO marks SELECT 1 FROM pg_sleep(0.2)"))
        plain = client.socket.fileno()
        client.socket.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            client.socket.unwrap()  # says close_notify; the peer's is still to come
        if half_closed:
            socket.socket(fileno=os.dup(plain)).shutdown(socket.SHUT_WR)
        client.socket.settimeout(15)
        assert [kind for kind, _ in client.receive_until("Z")] == ["C", "Z"]
        with pytest.raises(ssl.SSLZeroReturnError):  # the peer's close_notify
            client.receive()
    assert marks(database) == 1


def test_terminate_while_waiting_for_a_server(start_gate, database, table, wire):
    gate = start_gate(route={"pool_size": 1})
    holder = wire(gate)
    holder.ask("BEGIN")
    client = wire(gate)
    client.send(query("INSERT INTO marks VALUES (1)"), TERMINATE)
    client.close()
    holder.ask("COMMIT")
    eventually(lambda: marks(database) == 1, what="the row")


def test_an_open_transaction_is_rolled_back(start_gate, database, table, wire):
    gate = start_gate(route={"pool_size": 1})
    for leave in ("close", "reset"):
        client = wire(gate)
        client.ask("BEGIN")
        client.ask("INSERT INTO marks VALUES (1)")
        getattr(client, leave)()
        assert wire(gate).ask("SELECT count(*) FROM marks") == [("0",)]


def test_reset_in_the_middle_of_a_query(start_gate, database, table, wire):
    """The query is cancelled, its transaction rolled back, and the server used again."""
    gate = start_gate(route={"pool_size": 1})
    first = wire(gate)
    (server,), = first.ask("SELECT pg_backend_pid()")
    first.send(query("BEGIN; INSERT INTO marks VALUES (1); SELECT pg_sleep(33)"))
    eventually(lambda: database.active("pg_sleep(33)"))
    first.reset()
    eventually(lambda: not database.active("pg_sleep(33)"), what="the cancelled query's end")
    second = wire(gate)
    assert second.ask("SELECT count(*) FROM marks") == [("0",)]
    assert second.ask("SELECT pg_backend_pid()") == [(server,)]


def test_reset_in_the_middle_of_a_message(gate, database, wire):
    for _ in range(10):
        client = wire(gate)
        client.socket.sendall(query("SELECT 1" + " " * 100_000)[:50_000])
        client.reset()
    assert wire(gate).ask("SELECT 1") == [("1",)]


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_trap15_leaving_inside_a_long_message_frees_the_server(start_gate, database, secured):
    """The server waits for the rest of the message, in which there is no place for a goodbye."""
    gate = start_gate(upstream={"budget": 1, "close_timeout": "60s",
                                "sslmode": "require" if secured else "disable"},
                      route={"pool_size": 1, "pool_timeout": "15s"})
    for _ in range(3):
        with Wire(gate.host, gate.port) as client:
            client.login(database.user, database.name, database.password)
            client.send(parse("", "SELECT length($1)"), bind("", "", b"v" * 1_000_000)[:500_000])
            eventually(lambda: database.servers(), what="the server that got half of it")
        with gate.connect() as other:
            assert other.execute("SELECT 1").fetchone() == (1,)


def test_leaving_clients_leave_no_descriptors(gate, database, warm, wire):
    warm(gate)
    wire(gate).ask("SELECT 1")
    before = gate.descriptors()
    for number in range(100):
        client = wire(gate)
        client.ask("SELECT 1")
        client.reset() if number % 2 else client.close()
    eventually(lambda: gate.descriptors() <= before, what="descriptors given back")


def test_settings_of_a_gone_client_are_gone(start_gate, wire):
    gate = start_gate(route={"pool_size": 1})
    client = wire(gate)
    zone = wire(gate).ask("SHOW TimeZone")
    client.ask("SET TimeZone = 'Asia/Tokyo'")
    client.ask("SET statement_timeout = 5")
    client.close()
    other = wire(gate)
    assert other.ask("SHOW TimeZone") == zone
    assert other.ask("SHOW statement_timeout") == [("0",)]


@pytest.mark.parametrize("politely", [True, False], ids=["terminate", "end of stream"])
def test_trap15_leaving_inside_a_copy_frees_the_server(start_gate, database, table, politely):
    """The server waits for data that nobody will send any more."""
    gate = start_gate(route={"pool_size": 1, "pool_timeout": "10s"})
    client = gate.connect()
    client.pgconn.exec_(b"COPY marks FROM STDIN")
    client.pgconn.put_copy_data(b"1\n")
    client.pgconn.flush()
    if politely:
        client.pgconn.finish()
    else:
        with socket.socket(fileno=os.dup(client.fileno())) as end:
            end.shutdown(socket.SHUT_WR)
    with gate.connect() as other:
        assert other.execute("SELECT count(*) FROM marks").fetchone() == (0,)
