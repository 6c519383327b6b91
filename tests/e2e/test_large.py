"""Large values stream through at bounded memory, whoever is slow."""
import threading

import pytest

from harness.wire import SYNC, bind, execute, message, parse, query, row_of

MEGABYTE = 1024 * 1024


def test_fifty_megabytes_there_and_back(gate, database):
    value = "tide" * (50 * MEGABYTE // 4)
    with gate.connect() as connection:
        back, = connection.execute("SELECT %s || '!'", (value,)).fetchone()
        assert back == value + "!"
        before = gate.memory_kb()
        length, = connection.execute("SELECT length(%s)", (value,)).fetchone()
        assert length == len(value)
        assert gate.memory_kb() - before < 10 * 1024


def test_trap19_a_slow_reader_is_held_back_at_its_server(gate, database, wire):
    """A reader that stops must stop the database, not fill the gate."""
    client = wire(gate)
    client.ask("SELECT 1")
    before = gate.memory_kb()
    client.send(query("SELECT repeat('x', 1000000) FROM generate_series(1, 100)"))
    client.receive()
    with gate.connect() as other:
        for _ in range(50):
            assert other.execute("SELECT 1").fetchone() == (1,)
    assert gate.memory_kb() - before < 10 * 1024
    received = client.receive_until("Z")
    assert sum(len(payload) for kind, payload in received if kind == "D") > 100_000_000
    assert received[-2][0] == "C"


def test_trap19_a_sender_that_does_not_read_does_not_deadlock(gate, wire):
    """Requests and answers both exceed every buffer; the client reads only while it writes."""
    client = wire(gate)
    value = b"v" * MEGABYTE
    count = 60
    batch = parse("echo", "SELECT $1::text") + SYNC
    batch += (bind("", "echo", value) + execute() + SYNC) * count
    sender = threading.Thread(target=client.socket.sendall, args=(batch,))
    sender.start()
    client.receive_until("Z")
    for _ in range(count):
        messages = client.receive_until("Z")
        answers = [row_of(payload) for kind, payload in messages if kind == "D"]
        assert answers == [(value.decode(),)]
    sender.join(timeout=30)
    assert not sender.is_alive()


def test_a_long_query_text(gate, wire):
    client = wire(gate)
    text = "x" * (20 * MEGABYTE)
    assert client.ask(f"SELECT length('{text}')") == [(str(len(text)),)]


@pytest.mark.parametrize("tail", ["SET TimeZone = 'Asia/Tokyo'", "SELECT set_config('TimeZone','Asia/Tokyo',false)"])
def test_what_changes_a_session_is_noticed_at_the_tail_of_a_megabyte(gate, wire, warm, tail):
    warm(gate)
    client = wire(gate)
    client.send(query("SELECT 1 /* " + "x" * MEGABYTE + " */; " + tail))
    client.receive_until("Z")
    for _ in range(8):
        assert client.ask("SHOW TimeZone") == [("Asia/Tokyo",)]


def test_bytes_arriving_one_by_one(gate, wire):
    client = wire(gate)
    for byte in parse("", "SELECT 'drop by drop'") + bind("", "") + execute() + SYNC:
        client.socket.sendall(bytes([byte]))
    assert client.answer() == [("drop by drop",)]


def test_a_length_that_cannot_be_is_a_protocol_error(gate, wire):
    for length in (0, 3, 0x80000000):
        client = wire(gate)
        client.socket.sendall(b"Q" + length.to_bytes(4, "big") + b"xxxx")
        assert client.at_end()
    assert wire(gate).ask("SELECT 1") == [("1",)]


def test_unknown_message_types_end_the_connection_only(gate, wire):
    client = wire(gate)
    client.send(message("~", b"?"))
    assert client.at_end()
    assert wire(gate).ask("SELECT 1") == [("1",)]
