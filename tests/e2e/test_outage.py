"""The database goes away under load and comes back: one true error for each client that was there,
then everybody works again, and never with more servers than the budget."""
import threading

import psycopg
import pytest

from harness.ledger import TABLE, TORN
from harness.postgres import Database, Postgres
from harness.waiting import eventually
from harness.wire import ServerError, Wire

CLIENTS = 16
BUDGET = 4
# What PostgreSQL says when it stops, crashes or starts, and what stands for its silence.
TRUE = {"57P01", "57P02", "57P03", "08006", "08001"}


@pytest.fixture
def mortal(tmp_path_factory):
    """A PostgreSQL of this test's own, which may be stopped and started."""
    server = Postgres(tmp_path_factory.mktemp("m") / "c", "--keep", "max_connections=50")
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {Database.user} LOGIN PASSWORD '{Database.password}'")
    yield server
    (server.directory / "keep").unlink()
    server.stop()


@pytest.fixture
def database(mortal):
    made = Database(mortal, "outage")
    made.execute(f"{TABLE}; GRANT ALL ON ledger TO {made.user}")
    return made


class Client(threading.Thread):
    """Writes entries over and over; a connection that met an error is left for a new one.

    `errors` has one list for each connection: every error that was heard on it until its end.
    """

    def __init__(self, number, gate, database):
        super().__init__(daemon=True)
        self.number, self.gate, self.database = number, gate, database
        self.errors, self.promised, self.unknown = [], [], []
        self.finished = threading.Event()

    def run(self):
        entry = 0
        while not self.finished.is_set():
            heard = []
            self.errors.append(heard)
            with Wire(self.gate.host, self.gate.port, timeout=60) as wire:
                try:
                    wire.login(self.database.user, self.database.name, self.database.password)
                    while not self.finished.is_set():
                        entry += 1
                        self.write(wire, entry)
                except ServerError as error:
                    heard.append(error.sqlstate)
                    self.hear_the_end(wire, heard)
                except (EOFError, ConnectionError) as error:
                    heard.append(type(error).__name__)

    def write(self, wire, entry):
        wire.ask("BEGIN")
        for half in (1, 2):
            wire.ask(f"INSERT INTO ledger VALUES ({self.number}, {entry}, {half})")
        self.unknown.append((self.number, entry))
        wire.ask("COMMIT")
        self.promised.append(self.unknown.pop())

    def hear_the_end(self, wire, heard):
        try:
            while True:
                kind, payload = wire.receive()
                if kind == "E":
                    heard.append(ServerError(payload).sqlstate)
        except (EOFError, ConnectionError):
            pass


class Watcher(threading.Thread):
    """Counts servers for as long as there is a database to ask; `most` is the highest number."""

    def __init__(self, mortal, name):
        super().__init__()
        self.mortal, self.name_of_database = mortal, name
        self.most = self.samples = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                with self.mortal.connect() as connection:
                    while not self.stopping.is_set():
                        (count,), = connection.execute(
                            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
                            " AND backend_type = 'client backend'", (self.name_of_database,))
                        self.most = max(self.most, count)
                        self.samples += 1
            except psycopg.OperationalError:
                self.stopping.wait(0.01)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_everybody_is_told_once_and_then_works_again(start_gate, mortal, database, how):
    gate = start_gate(upstream={"budget": BUDGET, "retry_max": "500ms"},
                      route={"pool_size": BUDGET, "pool_timeout": "30s"})
    database.admin.close()
    clients = [Client(number, gate, database) for number in range(CLIENTS)]
    watcher = Watcher(mortal, database.name)
    watcher.start()
    for client in clients:
        client.start()
    try:
        for _ in range(2):
            everybody_wrote(clients)
            mortal.halt(how)
            mortal.revive()
        everybody_wrote(clients)
    finally:
        for client in clients:
            client.finished.set()
        for client in clients:
            client.join(timeout=60)
        watcher.stopping.set()
        watcher.join()
    database.admin = mortal.connect(database.name)
    heard = [errors for client in clients for errors in client.errors]
    assert {len(errors) for errors in heard} <= {0, 1}, heard
    assert {error for errors in heard for error in errors} <= TRUE
    assert sum(map(len, heard)) > 0
    written = set(database.execute("SELECT DISTINCT client, entry FROM ledger"))
    promised = {entry for client in clients for entry in client.promised}
    unknown = {entry for client in clients for entry in client.unknown}
    assert promised <= written <= promised | unknown
    assert database.execute(TORN) == []
    assert watcher.samples > 10 and 0 < watcher.most <= BUDGET


def everybody_wrote(clients):
    goals = [len(client.promised) + 3 for client in clients]
    eventually(lambda: all(len(client.promised) >= goal for client, goal in zip(clients, goals)),
               timeout=60, what="three more entries of each client")
