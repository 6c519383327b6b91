"""SIGTERM: transactions finish, then the process leaves; a second one: it leaves now."""
import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import ServerError, query


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
