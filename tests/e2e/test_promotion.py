"""The database is a standby and is promoted: whoever logs in is told so, and so is whoever is there.
`in_hot_standby` is what libpq, asyncpg, pgx and pgJDBC go by when they want the primary."""
import threading

import psycopg
import pytest

from harness.postgres import Postgres
from harness.waiting import eventually

# One server, which is neither used up nor recycled by time.
ONE = {"pool_size": 1, "idle_timeout": 0, "pool_recycle": 0}


@pytest.fixture
def standby(postgres, database, tmp_path_factory):
    """A standby of the session's PostgreSQL, database and all; its limits may not be lower."""
    server = Postgres(tmp_path_factory.mktemp("s") / "c", "max_connections=200",
                      "max_prepared_transactions=10", "shared_buffers=16MB", primary=postgres)
    yield server
    server.stop()


@pytest.fixture
def gate(standby, start_gate):
    return start_gate(upstream={"host": [f"{standby.host}:{standby.port}"]}, route=ONE)


def told(client):
    return client.info.parameter_status("in_hot_standby")


def log_in_at_primary(gate):
    gate.connect(target_session_attrs="read-write").close()


def servers(standby):
    with standby.connect() as connection:
        return [pid for (pid,) in connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'app'").fetchall()]


def test_one_reply_tells_everybody(gate, standby):
    first, second = gate.connect(), gate.connect()
    for client in first, second:
        assert client.execute("SHOW in_hot_standby").fetchone() == ("on",)
        assert told(client) == "on"
    with pytest.raises(psycopg.OperationalError):
        log_in_at_primary(gate)
    standby.promote()
    assert first.execute("SHOW in_hot_standby").fetchone() == ("off",)
    assert told(first) == "off"
    log_in_at_primary(gate)
    assert second.execute("SHOW in_hot_standby").fetchone() == ("off",)
    assert told(second) == "off"
    first.close()
    second.close()


def test_a_promotion_that_no_server_saw(gate, standby):
    with gate.connect() as there_before:
        there_before.execute("SELECT 1")
        with standby.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                               " WHERE usename = 'app'")
        eventually(lambda: "server lost" in gate.log(), what="the loss of the server")
        standby.promote()
        results = []

        def log_in():
            try:
                log_in_at_primary(gate)
            except psycopg.Error as error:
                results.append(error)

        threads = [threading.Thread(target=log_in) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == []
        assert len(servers(standby)) == 1
        there_before.execute("SELECT 1")
        assert told(there_before) == "off"


def test_an_idle_server_that_saw_it_is_asked(gate, standby):
    with gate.connect() as client:
        client.execute("SELECT 1")
    before = servers(standby)
    standby.promote()

    def lets_in():
        try:
            log_in_at_primary(gate)
        except psycopg.OperationalError:
            return False
        return True

    eventually(lets_in, what="a login at the primary")
    assert servers(standby) == before
