"""COPY in both directions, whole and broken off."""
import subprocess

import psycopg
import pytest

from harness.wire import SYNC, FLUSH, message, query


@pytest.fixture
def table(database):
    database.execute(f"CREATE TABLE lines (n int, text text); GRANT ALL ON lines TO {database.user}")


def count(database):
    return database.execute("SELECT count(*), coalesce(sum(n), 0) FROM lines")[0]


def test_copy_in_and_out(gate, database, table):
    rows = [(number, f"line {number}\t\\") for number in range(50_000)]
    with gate.connect() as connection:
        with connection.cursor().copy("COPY lines FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        assert count(database) == (50_000, sum(range(50_000)))
        with connection.cursor().copy("COPY lines TO STDOUT") as copy:
            copy.set_types(["int4", "text"])
            assert list(copy.rows()) == rows
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_binary_copy(gate, database, table):
    with gate.connect() as connection:
        with connection.cursor().copy("COPY lines FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "text"])
            for number in range(1000):
                copy.write_row((number, "b" * number))
    assert count(database)[0] == 1000


def test_psql_copies_from_and_to_files(gate, database, table, tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_text("".join(f"{number}\ttext\n" for number in range(10_000)))
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1",
                    "-c", f"\\copy lines from '{source}'", "-c", f"\\copy lines to '{target}'"],
                   env=gate.environment(), check=True, timeout=60)
    assert target.read_text() == source.read_text()


def test_copy_that_the_client_breaks_off(gate, database, table):
    with gate.connect() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            with connection.cursor().copy("COPY lines FROM STDIN") as copy:
                copy.write_row((1, "one"))
                raise ValueError("changed my mind")
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert count(database)[0] == 0


def test_copy_that_the_server_breaks_off(gate, database, table):
    """What the client goes on sending after the error is discarded and causes no further reply."""
    with gate.connect() as connection:
        for _ in range(5):
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                with connection.cursor().copy("COPY lines FROM STDIN") as copy:
                    copy.write("not a number\tx\n")
                    for _ in range(2000):
                        copy.write("1\t" + "y" * 500 + "\n")
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert count(database)[0] == 0


def test_sync_and_flush_inside_copy_owe_nothing(gate, database, table, wire):
    client = wire(gate)
    client.send(query("COPY lines FROM STDIN"))
    client.receive_until("G")
    client.send(message("d", b"1\tone\n"), SYNC, FLUSH, SYNC, message("d", b"2\ttwo\n"),
                message("c"), query("SELECT 5"))
    assert [kind for kind, _ in client.receive_until("Z")] == ["C", "Z"]
    assert client.answer() == [("5",)]
    assert count(database) == (2, 3)


def test_client_that_vanishes_inside_copy(gate, database, table, wire):
    client = wire(gate)
    client.send(query("COPY lines FROM STDIN"))
    client.receive_until("G")
    client.send(message("d", b"1\tone\n"))
    client.reset()
    with gate.connect() as connection:
        for _ in range(10):
            assert connection.execute("SELECT count(*) FROM lines").fetchone() == (0,)
