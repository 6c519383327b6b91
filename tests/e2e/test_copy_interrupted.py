"""COPY in both directions, interrupted at a random place in every way there is: nothing of it is
kept, nobody else hears of it, and the servers are given back."""
import random
import socket

import pytest

from harness.sampler import Sampler
from harness.waiting import eventually
from harness.wire import SYNC, TERMINATE, ServerError, Wire, message, query, send_cancel, string

SERVERS = 2
TRIES = 12
# More than all buffers on its way together.
MUCH = "COPY (SELECT n, repeat('o', 400) FROM generate_series(1, 100000) n) TO STDOUT"
LINE = b"1\t" + b"c" * 400 + b"\n"


@pytest.fixture
def gate(start_gate, database, request):
    database.execute(f"CREATE TABLE lines (n int, text text); GRANT ALL ON lines TO {database.user}")
    # A backend that is killed may leave without a word, and its connection breaks off. Otherwise
    # nobody waits until the gate gives up hope that the database closes its end.
    killed = request.node.callspec.params.get("interrupt") is kill_the_server
    return start_gate(upstream={"budget": SERVERS, "close_timeout": "1s" if killed else "60s"},
                      route={"pool_size": SERVERS, "pool_timeout": "20s"})


def begin_copying_in(client, chance, database):
    """COPY FROM STDIN and a random part of its data, perhaps half a message at its end."""
    client.send(query("COPY lines FROM STDIN"))
    client.receive_until("G")
    data = message("d", LINE) * chance.randrange(1, 2000)
    client.send(data[:chance.randrange(1, len(data) + 1)])


def begin_copying_out(client, chance, database):
    """COPY TO STDOUT and a random part of its data received."""
    client.send(query(MUCH))
    client.receive_until("H")
    for _ in range(chance.randrange(1, 5000)):
        client.receive()


def leave(client, database):
    client.close()


def leave_politely(client, database):
    client.send(TERMINATE)
    client.close()


def reset(client, database):
    client.reset()


def half_close(client, database):
    client.socket.shutdown(socket.SHUT_WR)
    assert client.at_end()


def kill_the_server(client, database):
    pids = database.active("COPY ")
    for pid in pids:
        database.terminate(pid)
    try:
        client.send(message("d", LINE) * 100)
    except OSError:
        pass
    assert client.at_end()
    # It may fail on the data first and hear of its end as an idle server, with the next client.
    eventually(lambda: not set(pids) & set(database.servers()), what="the end of the server")


def cancel(client, database):
    host, port = client.socket.getpeername()
    send_cancel(host, port, client.pid, client.key)
    client.close()


INTERRUPTIONS = [leave, leave_politely, reset, half_close, kill_the_server, cancel]


@pytest.mark.parametrize("begin", [begin_copying_in, begin_copying_out])
@pytest.mark.parametrize("interrupt", INTERRUPTIONS, ids=lambda function: function.__name__)
def test_copy_interrupted(gate, database, wire, begin, interrupt):
    chance = random.Random(f"{begin.__name__} {interrupt.__name__}")
    neighbour = wire(gate)
    with Sampler(database) as sampler:
        for number in range(TRIES):
            with Wire(gate.host, gate.port) as client:
                client.login(database.user, database.name, database.password)
                begin(client, chance, database)
                interrupt(client, database)
            for _ in range(2 * SERVERS):
                assert neighbour.ask(f"SELECT {number}, count(*) FROM lines") == [
                    (str(number), "0")]
    eventually(lambda: not database.active("COPY "), what="the end of the last COPY")
    assert 0 < sampler.most <= SERVERS


@pytest.mark.parametrize("end", ["fail", "bad line", "cancel", "done"])
def test_copy_in_that_ends_goes_on_with_the_next_request(gate, database, wire, end):
    """The same client, right behind the end of its COPY, wherever that came."""
    chance = random.Random(end)
    client, expected = wire(gate), 0
    for number in range(TRIES):
        lines = chance.randrange(1, 500)
        client.send(query("COPY lines FROM STDIN"))
        client.receive_until("G")
        if end == "bad line":
            client.send(message("d", b"not a number\t\n"))
        client.send(message("d", LINE) * lines)
        if end == "cancel":
            send_cancel(gate.host, gate.port, client.pid, client.key)
        client.send(message("f", string("enough")) if end == "fail" else message("c"), SYNC,
                    query(f"SELECT {number}"))
        try:
            client.answer()
            expected += lines
        except ServerError as error:
            assert error.sqlstate in {"fail": ("57014",), "bad line": ("22P02",),
                                      "cancel": ("57014",)}[end]
        assert client.receive_until("Z") == [("Z", b"I")]  # the Sync's
        assert client.answer() == [(str(number),)]
    assert wire(gate).ask("SELECT count(*) FROM lines") == [(str(expected),)]
