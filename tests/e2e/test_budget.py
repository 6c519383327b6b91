"""The database, asked directly, never sees more connections than the budget."""
import subprocess
import threading

import psycopg
import pytest

from harness.sampler import Sampler
from harness.waiting import eventually

SERVERS = 5


@pytest.fixture
def small_gate(start_gate):
    return start_gate(upstream={"budget": SERVERS},
                      route={"pool_size": SERVERS, "max_overflow": 10})


def pgbench(gate, *options, check=True):
    return subprocess.run(["pgbench", "-n", *options], env=gate.environment(), check=check,
                          capture_output=True, text=True, timeout=60)


@pytest.fixture
def bench_tables(database):
    environment = {"PGHOST": database.postgres.host, "PGPORT": str(database.postgres.port),
                   "PGUSER": database.user, "PGPASSWORD": database.password,
                   "PGDATABASE": database.name, "PATH": "/usr/bin:/bin"}
    subprocess.run(["pgbench", "-i", "-q", "-s", "1"], env=environment, check=True,
                   capture_output=True)


# In prepared mode pgbench waits for each Parse alone, inside a transaction too, so that more of its
# clients than servers would wait for each other.
@pytest.mark.parametrize("mode, clients", [("simple", 20), ("extended", 20), ("prepared", SERVERS)])
def test_pgbench(small_gate, database, bench_tables, mode, clients):
    with Sampler(database) as sampler:
        done = pgbench(small_gate, "-M", mode, "-c", str(clients), "-j", "2", "-t",
                       str(1000 // clients))
    assert "number of failed transactions: 0" in done.stdout, done.stdout + done.stderr
    assert "transactions actually processed: 1000/1000" in done.stdout
    assert database.execute("SELECT count(*) FROM pgbench_history") == [(1000,)]
    sums = database.execute("SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
                            " (SELECT sum(bbalance) FROM pgbench_branches),"
                            " (SELECT sum(delta) FROM pgbench_history)")[0]
    assert len(set(sums)) == 1
    assert 0 < sampler.most <= SERVERS


def test_two_hundred_clients_over_five_servers(small_gate, database, bench_tables):
    with Sampler(database) as sampler:
        done = pgbench(small_gate, "-S", "-M", "prepared", "-c", "200", "-j", "2", "-t", "50")
    assert "transactions actually processed: 10000/10000" in done.stdout, done.stderr
    assert sampler.samples > 10
    assert 0 < sampler.most <= SERVERS


def test_budget_holds_while_servers_are_replaced(small_gate, database):
    """Servers are killed all the time; a dying one and its successor must not overlap."""
    stop = threading.Event()
    answered = []

    def work():
        while not stop.is_set():
            try:
                with small_gate.connect() as connection:
                    while not stop.is_set():
                        connection.execute("SELECT 1")
                        answered.append(1)
            except psycopg.OperationalError:
                pass  # its server was killed under it; it comes again

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    with Sampler(database) as sampler:
        for _ in range(60):
            for pid in database.servers()[:2]:
                database.terminate(pid)
            stop.wait(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(answered) > 100
    assert 0 < sampler.most <= SERVERS


def test_two_routes_share_one_budget(start_gate, database):
    """The busy route does not starve the other, and together they keep to the budget."""
    gate = start_gate(
        upstream={"budget": 4, "user": database.user, "password": database.password},
        route={"pool_size": 4}, users={"second": {"password": "pw"}})
    stop = threading.Event()

    def work():
        with gate.connect() as connection:
            while not stop.is_set():
                connection.execute("SELECT pg_sleep(0.002)")

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    with Sampler(database) as sampler:
        with gate.connect(user="second", password="pw") as connection:
            for number in range(20):
                assert connection.execute("SELECT %s::int", (number,)).fetchone() == (number,)
    stop.set()
    for thread in threads:
        thread.join()
    assert 0 < sampler.most <= 4


def test_surplus_servers_are_closed_when_idle(start_gate, database, warm):
    gate = start_gate(route={"pool_size": 5, "idle_timeout": "1s"})
    warm(gate)
    eventually(lambda: not database.servers(), what="an idle pool without servers")
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_idle_gate_opens_no_server(gate, database, wire):
    first = wire(gate)
    first.ask("SELECT 1")
    open_before = set(database.servers())
    clients = [wire(gate) for _ in range(20)]
    assert set(database.servers()) <= open_before
    assert len(clients) == 20
