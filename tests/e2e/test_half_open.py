"""Two thousand clients that idle and six hundred strangers that stop half-way: those are ended in
time, these notice nothing, and memory stays bounded."""
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.inside import Inside
from harness.waiting import eventually
from harness.wire import SSL_REQUEST, string

FLOOD = Path(__file__).resolve().parents[1] / "harness" / "flood.py"
IDLE_PROCESSES = 4
IDLE_EACH = 500
STRANGERS_OF_A_KIND = 100
LOGIN_TIMEOUT_S = 8


def startup_packet(user):
    body = struct.pack("!I", 3 << 16) + string("user") + string(user) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


UNFINISHED = [b"", b"\0\0", struct.pack("!I", 1000) + b"x" * 500, SSL_REQUEST,
              SSL_REQUEST + b"\x16\x03\x01\x02\x00", startup_packet("app")]


@pytest.fixture
def idlers(database):
    """idlers(gate) -> one process after the other that logs its clients in and keeps them."""
    crowds = []

    def come(gate):
        for _ in range(IDLE_PROCESSES):
            crowd = subprocess.Popen([sys.executable, FLOOD, gate.host, str(gate.port), "guest",
                                      database.name, str(IDLE_EACH)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            crowds.append(crowd)
            assert crowd.stdout.readline() == b'{"in": %d}\n' % IDLE_EACH

    yield come
    for crowd in crowds:
        crowd.communicate(timeout=30)


def come_half_way(gate):
    strangers = []
    for _ in range(STRANGERS_OF_A_KIND):
        for begun in UNFINISHED:
            stranger = socket.create_connection((gate.host, gate.port), timeout=15)
            if begun.startswith(SSL_REQUEST):
                stranger.sendall(SSL_REQUEST)
                assert stranger.recv(1) == b"S"  # nothing may come before this answer
                begun = begun[len(SSL_REQUEST):]
            stranger.sendall(begun)
            strangers.append(stranger)
    return strangers


def wait_for_their_end(strangers, deadline_s):
    """Until the gate has closed every one of them; how many are left after `deadline_s`."""
    poller = select.epoll()
    left = {stranger.fileno(): stranger for stranger in strangers}
    for descriptor in left:
        poller.register(descriptor, select.EPOLLIN)
    end = time.monotonic() + deadline_s
    while left and time.monotonic() < end:
        for descriptor, _ in poller.poll(1):
            try:
                over = not left[descriptor].recv(4096)
            except OSError:
                over = True
            if over:
                poller.unregister(descriptor)
                left.pop(descriptor).close()
    return len(left)


def logged_in(gate, database):
    with gate.connect(dbname="pgbouncer") as console:
        cursor = console.execute("SHOW CLIENTS")
        place = [column.name for column in cursor.description].index("database")
        return sum(row[place] == database.name for row in cursor)


def test_idle_and_half_open_clients(start_gate, database, wire, idlers):
    gate = start_gate(top={"client_login_timeout": f"{LOGIN_TIMEOUT_S}s",
                           "log": {"level": "warning"}},
                      tls={"sslmode": "allow"},
                      upstream={"user": database.user, "password": database.password},
                      users={"guest": {"trust": True}})
    busy = wire(gate)
    busy.ask("SELECT 1")
    memory, descriptors = gate.resident_kb(), gate.descriptors()
    idlers(gate)
    inside = Inside(busy)
    try:
        strangers = come_half_way(gate)
        peak = gate.resident_kb()
        left = wait_for_their_end(strangers, LOGIN_TIMEOUT_S + 20)
        peak = max(peak, gate.resident_kb())
    finally:
        inside.stop()
    assert left == 0
    # Nobody who had logged in was taken for one of them.
    eventually(lambda: gate.descriptors() <= descriptors + IDLE_PROCESSES * IDLE_EACH,
               what="the strangers' descriptors")
    assert logged_in(gate, database) == IDLE_PROCESSES * IDLE_EACH + 1
    assert inside.answers > 10 and inside.slowest < 5, (inside.answers, inside.slowest)
    assert peak - memory < 64 * 1024
    assert len(database.servers()) <= 5
