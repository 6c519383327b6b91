"""A client that reads 200 MB sip by sip: the database waits for it, the gate does not fill, and the
others work."""

import pytest

from harness.wire import SYNC, Wire, bind, execute, parse, query

ROWS = 200
ROW_BYTES = 1_000_000
GROWTH_MAX_KB = 10 * 1024


def sips(client):
    """Reads one DataRow at a time, without keeping it; yields at each until ReadyForQuery."""
    while True:
        kind, payload = client.receive()
        if kind == "Z":
            return
        if kind == "D":
            assert payload[:2] == b"\0\1" and len(payload) == ROW_BYTES + 6
            assert payload[6:9] == payload[-3:] == b"xxx"
        yield kind


# What the address sanitizer keeps of memory that was given back is not the gate's.
NOTHING_KEPT = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_two_hundred_megabytes_sip_by_sip(start_gate, database, wire, secured):
    gate = start_gate(route={"pool_size": 2}, tls={"sslmode": "allow"}, environment=NOTHING_KEPT)
    others = [wire(gate) for _ in range(3)]
    for other in others:
        assert other.ask("SELECT 1") == [("1",)]
    with Wire(gate.host, gate.port, timeout=60) as slow:
        if secured:
            slow.start_tls()
        slow.login(database.user, database.name, database.password)
        slow.ask("SELECT 1")
        before, peak, rows = gate.memory_kb(), 0, 0
        slow.send(query(f"SELECT repeat('x', {ROW_BYTES}) FROM generate_series(1, {ROWS})"))
        for number, kind in enumerate(sips(slow)):
            rows += kind == "D"
            for other in others:
                assert other.ask(f"SELECT {number}") == [(str(number),)]
            peak = max(peak, gate.memory_kb())
        assert rows == ROWS
        assert peak - before < GROWTH_MAX_KB
        assert slow.ask("SELECT 'still here'") == [("still here",)]


def test_forty_slow_readers(start_gate, database, wire):
    """Each has stopped in the middle of an answer: what the gate keeps for them is bounded."""
    gate = start_gate(upstream={"budget": 41}, route={"pool_size": 41}, environment=NOTHING_KEPT)
    readers, other = [wire(gate) for _ in range(40)], wire(gate)
    other.ask("SELECT 1")
    before = gate.memory_kb()
    for reader in readers:
        reader.send(query(f"SELECT repeat('x', {ROW_BYTES}) FROM generate_series(1, 20)"))
        reader.receive()
    for number in range(100):
        assert other.ask(f"SELECT {number}") == [(str(number),)]
    assert gate.memory_kb() - before < 4 * GROWTH_MAX_KB
    for reader in readers:
        assert sum(kind == "D" for kind in sips(reader)) == 20


def test_a_slow_sender(start_gate, database, wire):
    """A Bind of 20 MB that comes in pieces: nobody waits for it but its own server."""
    gate = start_gate(route={"pool_size": 2})
    sender, other = wire(gate), wire(gate)
    other.ask("SELECT 1")
    sender.send(parse("s", "SELECT length($1)"), SYNC)
    sender.receive_until("Z")
    before, peak = gate.memory_kb(), 0
    value = b"v" * 20_000_000
    whole = bind("", "s", value) + execute() + SYNC
    for start in range(0, len(whole), 500_000):
        sender.send(whole[start:start + 500_000])
        assert other.ask(f"SELECT {start}") == [(str(start),)]
        peak = max(peak, gate.memory_kb())
    assert sender.answer() == [(str(len(value)),)]
    assert peak - before < GROWTH_MAX_KB
