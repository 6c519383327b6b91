"""Fixtures of the end-to-end and driver tests.

One private PostgreSQL serves the whole session; every test has a database and a Tidegate of its
own. Servers are handed out in turn (lifo = false), so that two transactions of one client hardly
ever meet the same server: what only works by luck fails.
"""
import itertools
import threading

import pytest

from harness.gate import Gate, configuration
from harness.postgres import Database, Postgres
from harness.wire import Wire

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    # Short, because the path of a unix socket may have 107 bytes.
    directory = tmp_path_factory.mktemp("pg")
    server = Postgres(directory / "c", "--tls", "max_connections=200", "shared_buffers=128MB",
                      "max_prepared_transactions=10", "log_statement=none")
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {Database.user} LOGIN CREATEROLE PASSWORD"
                           f" '{Database.password}'")
    yield server
    server.stop()


@pytest.fixture
def database(postgres):
    made = Database(postgres, f"e2e_{next(numbers)}")
    yield made
    made.drop()


@pytest.fixture
def start_gate(database, tmp_path):
    """start_gate(top=, tls=, upstream=, route=, users=, more=) -> Gate; stopped after the test.

    `listen` is where it listens, a free port unless told otherwise; `arguments` replaces the
    configuration file made of the parts; `preexec` runs in the new process before it becomes one.
    """
    started = []

    def start(arguments=None, environment=None, preexec=None, listen=("127.0.0.1:0",), **parts):
        directory = tmp_path / f"gate{len(started)}"
        directory.mkdir()
        if arguments is None:
            file = directory / "tidegate.toml"
            file.write_text(configuration(database, **parts))
            arguments = ["--config", file]
        for address in listen:
            arguments = [*arguments, "--listen", address]
        gate = Gate(directory, arguments, environment, preexec)
        gate.defaults = {"user": database.user, "password": database.password,
                         "dbname": database.name}
        started.append(gate)
        return gate

    yield start
    for gate in started:
        gate.stop()


@pytest.fixture
def gate(start_gate):
    """The usual one: five servers, handed out in turn, transaction pooling."""
    return start_gate()


@pytest.fixture
def warm(database):
    """warm(gate, count) opens `count` servers, so that they are there to be handed out in turn."""
    def open_servers(gate, count=5):
        together = threading.Barrier(count)

        def one_transaction():
            with gate.connect(autocommit=False) as connection:
                connection.execute("SELECT 1")
                together.wait(timeout=20)

        threads = [threading.Thread(target=one_transaction) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(database.servers()) == count

    return open_servers


@pytest.fixture
def wire(database):
    """wire(gate, **startup parameters) -> a logged-in client of bare bytes."""
    opened = []

    def log_in(gate, **parameters):
        client = Wire(gate.host, gate.port)
        opened.append(client)
        return client.login(database.user, database.name, database.password, **parameters)

    yield log_in
    for client in opened:
        client.close()
