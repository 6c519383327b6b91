"""At a limit: a clear error with a reason, and nobody else notices."""
import contextlib
import os
import random
import resource
import socket
import threading
import time
from pathlib import Path

import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import ServerError, Wire, query


def refusal(gate, database, **overrides):
    with Wire(gate.host, gate.port) as client:
        with pytest.raises(ServerError) as caught:
            client.login(**{"user": database.user, "database": database.name,
                            "password": database.password, **overrides})
    return caught.value


def test_too_many_clients(start_gate, database, wire):
    gate = start_gate(top={"clients_max": 10})
    clients = [wire(gate) for _ in range(10)]
    error = refusal(gate, database)
    assert error.sqlstate == "53300"
    assert all(client.ask("SELECT 1") == [("1",)] for client in clients)
    clients[0].close()
    eventually(lambda: can_log_in(gate), what="a free place")


def test_silent_connections_keep_nobody_out(start_gate, database, wire):
    """Many more than the door holds; client_login_timeout would end them in a minute."""
    gate = start_gate(top={"clients_max": 5})
    inside = wire(gate)
    with contextlib.ExitStack() as silent:
        for number in range(100):
            one = silent.enter_context(socket.create_connection((gate.host, gate.port)))
            # SSLRequest or the first byte of it, and then nothing.
            one.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f"[:8 if number % 2 else 1])
        assert refusal(gate, database).sqlstate == "53300"
        eventually(lambda: can_log_in(gate), what="a place")
        assert can_log_in(gate)
        assert inside.ask("SELECT 1") == [("1",)]


@pytest.mark.parametrize("name", ["pgbouncer", "tidegate"])
def test_the_console_can_be_reached_when_everything_is_full(start_gate, database, wire, name):
    """Up to eight users of the console come in beyond clients_max, and nobody else through that door."""
    gate = start_gate(top={"clients_max": 2, "stats_users": ["watcher"]},
                      users={"watcher": {"password": "w"}, "other": {"password": "o"}})
    clients = [wire(gate) for _ in range(2)]
    watcher = {"user": "watcher", "password": "w"}

    def told(**who):
        with Wire(gate.host, gate.port) as client, pytest.raises(ServerError) as caught:
            client.login(database=name, **who)
        return caught.value.sqlstate

    assert refusal(gate, database).sqlstate == "53300"
    assert refusal(gate, database, **watcher).sqlstate == "53300"
    assert told(user="other", password="o") == "42501"
    assert told(user="watcher", password="x") == told(user="nobody", password="x") == "28P01"
    with contextlib.ExitStack() as open_ones:
        looking = [open_ones.enter_context(Wire(gate.host, gate.port)) for _ in range(8)]
        looking[0].login(database.user, name, database.password)
        for one in looking[1:]:
            one.login(database=name, **watcher)
        assert all(one.ask("SHOW VERSION") for one in looking)
        assert told(**watcher) == "53300"
        looking[0].close()
        eventually(lambda: can_log_in(gate, dbname=name, **watcher),
                   what="a free place")
    assert refusal(gate, database).sqlstate == "53300"
    assert all(client.ask("SELECT 1") == [("1",)] for client in clients)


def can_log_in(gate, **overrides):
    try:
        gate.connect(**overrides).close()
        return True
    except psycopg.OperationalError:
        return False


def test_too_many_clients_of_a_user(start_gate, database, wire):
    gate = start_gate(users={"busy": {"password": "pw", "clients_max": 2}},
                      upstream={"user": database.user, "password": database.password})
    clients = [gate.connect(user="busy", password="pw") for _ in range(2)]
    assert refusal(gate, database, user="busy", password="pw").sqlstate == "53300"
    assert wire(gate).ask("SELECT 1") == [("1",)]
    for client in clients:
        client.close()


def test_too_many_clients_of_a_database(start_gate, database, wire):
    gate = start_gate(route={"clients_max": 2})
    clients = [wire(gate) for _ in range(2)]
    assert refusal(gate, database).sqlstate == "53300"
    assert all(client.ask("SELECT 1") == [("1",)] for client in clients)


def test_pool_timeout(start_gate, wire):
    gate = start_gate(route={"pool_size": 1, "pool_timeout": "500ms"})
    holder = wire(gate)
    holder.ask("BEGIN")
    waiter = wire(gate)
    with pytest.raises(ServerError) as caught:
        waiter.ask("SELECT 1")
    assert caught.value.sqlstate == "53300"
    assert "pool_timeout" in str(caught.value)
    assert "1 in transactions; pool_size 1; 0 more waiting" in str(caught.value)
    holder.ask("COMMIT")
    assert wire(gate).ask("SELECT 1") == [("1",)]


def test_idle_pinned_clients_leave_a_server_of_the_budget_to_the_others(start_gate, wire):
    gate = start_gate(upstream={"budget": 2})  # and a pool_size of 20
    clients = [wire(gate) for _ in range(3)]
    clients[0].ask("CREATE TEMP TABLE x (n int)")
    with pytest.raises(ServerError, match="too many clients hold a pinned server"):
        clients[1].ask("CREATE TEMP TABLE x (n int)")
    assert clients[2].ask("SELECT 1") == [("1",)]


def test_a_wait_for_pinned_servers_says_so(start_gate, wire):
    gate = start_gate(route={"pool_size": 1, "pool_timeout": "500ms"})
    wire(gate).ask("CREATE TEMP TABLE x (n int)")
    with pytest.raises(ServerError, match="1 pinned; pool_size 1") as caught:
        wire(gate).ask("SELECT 1")
    assert "SHOW SERVERS" in caught.value.fields["H"]


def test_a_full_queue(start_gate, wire):
    gate = start_gate(route={"pool_size": 1, "queue_max": 2})
    holder = wire(gate)
    holder.ask("BEGIN")
    waiters = [wire(gate) for _ in range(6)]
    for waiter in waiters:
        waiter.send(query("SELECT 1"))
    outcomes = []

    def collect(waiter):
        try:
            outcomes.append(waiter.answer())
        except ServerError as error:
            outcomes.append(error.sqlstate)

    threads = [threading.Thread(target=collect, args=(waiter,)) for waiter in waiters]
    for thread in threads:
        thread.start()
    eventually(lambda: len(outcomes) == 4, what="four refusals")
    assert outcomes == ["53300"] * 4
    holder.ask("COMMIT")
    for thread in threads:
        thread.join()
    assert outcomes[4:] == [[("1",)]] * 2


def test_those_who_give_up_leave_the_queue(start_gate, wire):
    gate = start_gate(route={"pool_size": 1, "queue_max": 3})
    holder = wire(gate)
    holder.ask("BEGIN")
    for _ in range(10):
        waiter = wire(gate)
        waiter.send(query("SELECT 1"))
        waiter.reset()
    eventually(lambda: waiting_clients(gate) == 0, what="an empty queue")
    last = wire(gate)
    last.send(query("SELECT 2"))
    holder.ask("COMMIT")
    assert last.answer() == [("2",)]


def waiting_clients(gate):
    with gate.connect(dbname="pgbouncer") as console:
        cursor = console.execute("SHOW POOLS")
        names = [column.name for column in cursor.description]
        return sum(row[names.index("cl_waiting")] for row in cursor)


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40,
    b"\0\0\0\0", b"\xff\xff\xff\xff" * 4, b"\0\0\0\x08\x04\xd2\x16\x2e",
    b"\0\0\0\x09\x00\x03\x00\x00\x00", b"\0\0\x40\x00\x00\x03\x00\x00" + b"x" * 16376,
    b"\0\0\0\x0c\x00\x03\x00\x00user"], ids=range(8))
def test_garbage_at_the_door(start_gate, garbage):
    gate = start_gate(top={"client_login_timeout": "2s"})
    with gate.connect() as before:
        with socket.create_connection((gate.host, gate.port), timeout=15) as stranger:
            stranger.sendall(garbage)
            stranger.shutdown(socket.SHUT_WR)
            try:
                while stranger.recv(65536):
                    pass
            except ConnectionResetError:
                pass
        assert before.execute("SELECT 1").fetchone() == (1,)


def test_random_bytes_from_many_strangers(start_gate, wire):
    gate = start_gate(top={"client_login_timeout": "2s"})
    client = wire(gate)
    chance = random.Random(7)
    for _ in range(200):
        with socket.create_connection((gate.host, gate.port)) as stranger:
            stranger.sendall(chance.randbytes(chance.randrange(1, 400)))
        assert client.ask("SELECT 1") == [("1",)]
    before = gate.descriptors()
    eventually(lambda: gate.descriptors() <= before, what="no strangers left")


def test_connections_far_beyond_the_limit(start_gate, database, wire):
    """Two thousand connections at a limit of one hundred; those inside do not notice."""
    gate = start_gate(top={"clients_max": 100, "client_login_timeout": "5s"})
    inside = [wire(gate) for _ in range(50)]
    memory = gate.memory_kb()
    crowd = []
    try:
        for _ in range(2000):
            stranger = socket.socket()
            stranger.setblocking(False)
            stranger.connect_ex((gate.host, gate.port))
            crowd.append(stranger)
        for client in inside:
            assert client.ask("SELECT 1") == [("1",)]
        assert gate.memory_kb() - memory < 64 * 1024
    finally:
        for stranger in crowd:
            stranger.close()
    eventually(lambda: can_log_in(gate), what="a free place after the crowd has left")
    assert os.path.exists(f"/proc/{gate.pid}")


def cpu_seconds(gate):
    fields = Path(f"/proc/{gate.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_out_of_descriptors(start_gate, wire):
    """Who is inside goes on, the loop does not spin, and the operator is told."""
    gate = start_gate(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80)))
    inside = wire(gate)
    inside.ask("SELECT 1")
    # Somebody has come and gone before, as in any process: a sanitizer that sees an object for the
    # first time needs descriptors of its own.
    descriptors = gate.descriptors()
    socket.create_connection((gate.host, gate.port)).close()
    eventually(lambda: "client left" in gate.log(), what="one who has left")
    eventually(lambda: gate.descriptors() <= descriptors, what="its descriptor")
    crowd = []
    try:
        for _ in range(150):
            crowd.append(socket.create_connection((gate.host, gate.port)))
        eventually(lambda: "out of file descriptors" in gate.log(), what="a word in the log")
        used = cpu_seconds(gate)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert inside.ask("SELECT 1") == [("1",)]
            time.sleep(0.05)
        assert cpu_seconds(gate) - used < 0.5
    finally:
        for stranger in crowd:
            stranger.close()
    eventually(lambda: can_log_in(gate), what="a free place after the crowd has left")
