"""Two hundred clients of four kinds over five servers, while the database counts its connections."""
import asyncio
import random
import subprocess
import threading

import asyncpg
import psycopg
import pytest

from harness.sampler import Sampler
from harness.wire import SYNC, ServerError, Wire, bind, execute, parse

SERVERS = 5
PSYCOPG, ASYNCPG, BARE, PGBENCH = 50, 100, 30, 20
EACH = 12
# What a client may hear when its server is killed under it.
KILLED = {"57P01", "08006"}


@pytest.fixture
def gate(start_gate):
    return start_gate(upstream={"budget": SERVERS},
                      route={"pool_size": SERVERS, "max_overflow": 10, "pool_timeout": "60s"})


class Tally:
    """What all clients together were answered, and what went wrong."""

    def __init__(self, kills_allowed):
        self.kills_allowed = kills_allowed
        self.lock = threading.Lock()
        self.right = self.killed = 0
        self.wrong = []

    def answered(self, got, expected):
        with self.lock:
            if got == expected:
                self.right += 1
            else:
                self.wrong.append((got, expected))

    def failed(self, sqlstate, error):
        """True when the client may come again: its server was killed."""
        with self.lock:
            if self.kills_allowed and sqlstate in KILLED:
                self.killed += 1
                return True
            self.wrong.append(repr(error))
            return False


def until_done(tally, work):
    """Gives `work` the numbers of what is still to be asked, again and again over its failures."""
    done = [0]
    while done[0] < EACH:
        try:
            work(done)
        except ServerError as error:
            if not tally.failed(error.sqlstate, error):
                return
        except psycopg.OperationalError as error:
            # When a FATAL and the end come together, psycopg tells of the end only.
            if not tally.failed(error.sqlstate or "08006", error):
                return


def psycopg_client(number, gate, tally):
    def work(done):
        # A third prepares everything, a third nothing, a third from the second time on.
        with gate.connect(prepare_threshold=(None, 0, 1)[number % 3]) as connection:
            while done[0] < EACH:
                ask = (number, done[0])
                with connection.transaction():
                    connection.execute(f"SET LOCAL my.own = '{number}'")
                    row = connection.execute(
                        "SELECT current_setting('my.own')::int, %s::int", (done[0],)).fetchone()
                tally.answered(row, ask)
                done[0] += 1

    until_done(tally, work)


def bare_client(number, gate, tally):
    def work(done):
        values = gate.parameters()
        zone = ("Asia/Tokyo", "America/Lima", "Europe/Berlin")[number % 3]
        with Wire(gate.host, gate.port, timeout=60) as client:
            client.login(values["user"], values["dbname"], values["password"], TimeZone=zone)
            client.send(parse("s", "SELECT $1::text, current_setting('TimeZone')"), SYNC)
            client.receive_until("Z")
            while done[0] < EACH:
                client.send(bind("", "s", str(done[0]).encode()), execute(), SYNC)
                tally.answered(client.answer(), [(str(done[0]), zone)])
                done[0] += 1

    def ending(done):
        try:
            work(done)
        except (EOFError, ConnectionError) as error:
            tally.failed("08006", error)

    until_done(tally, ending)


async def asyncpg_client(number, gate, tally):
    values, done = gate.parameters(), 0
    while done < EACH:
        connection = None
        try:
            connection = await asyncpg.connect(
                host=values["host"], port=values["port"], user=values["user"], ssl=False,
                password=values["password"], database=values["dbname"], timeout=60)
            while done < EACH:
                got = await connection.fetchrow("SELECT $1::int, $2::text", number, str(done))
                tally.answered(tuple(got), (number, str(done)))
                done += 1
        except (asyncpg.ConnectionDoesNotExistError, asyncpg.InternalClientError) as error:
            # The driver's own words for the end; the second when it comes between two steps.
            if not tally.failed("08006", error):
                return
        except asyncpg.PostgresError as error:
            if not tally.failed(error.sqlstate, error):
                return
        finally:
            if connection is not None:
                connection.terminate()


def asyncpg_clients(gate, tally):
    async def all_of_them():
        await asyncio.gather(*(asyncpg_client(number, gate, tally) for number in range(ASYNCPG)))

    asyncio.run(asyncio.wait_for(all_of_them(), 100))


def pgbench_clients(gate, benches):
    benches.append(subprocess.run(
        ["pgbench", "-n", "-M", "extended", "-c", str(PGBENCH), "-j", "1", "-t", str(EACH),
         "-f", "/dev/stdin"], input="SELECT :client_id, pg_sleep(0.001);\n", text=True,
        env=gate.environment(), capture_output=True, timeout=100))


def crowd(gate, tally, benches):
    threads = [threading.Thread(target=psycopg_client, args=(number, gate, tally))
               for number in range(PSYCOPG)]
    threads += [threading.Thread(target=bare_client, args=(number, gate, tally))
                for number in range(BARE)]
    threads.append(threading.Thread(target=asyncpg_clients, args=(gate, tally)))
    threads.append(threading.Thread(target=pgbench_clients, args=(gate, benches)))
    return threads


def run(threads, meanwhile=lambda stopped: None):
    stopped = threading.Event()
    other = threading.Thread(target=meanwhile, args=(stopped,))
    for thread in [*threads, other]:
        thread.start()
    for thread in threads:
        thread.join()
    stopped.set()
    other.join()


def test_two_hundred_clients_of_four_kinds(gate, database):
    tally, benches = Tally(kills_allowed=False), []
    with Sampler(database) as sampler:
        run(crowd(gate, tally, benches))
    assert tally.wrong == []
    assert tally.right == (PSYCOPG + ASYNCPG + BARE) * EACH
    assert f"actually processed: {PGBENCH * EACH}/{PGBENCH * EACH}" in benches[0].stdout
    assert sampler.samples > 10 and 0 < sampler.most <= SERVERS


def test_two_hundred_clients_while_servers_are_killed(gate, database):
    tally, benches = Tally(kills_allowed=True), []
    chance = random.Random(11)

    def kill(stopped):
        while not stopped.wait(0.05):
            if pids := database.servers():
                database.terminate(chance.choice(pids))

    with Sampler(database) as sampler:
        run(crowd(gate, tally, benches), kill)
    assert tally.wrong == []
    assert tally.right == (PSYCOPG + ASYNCPG + BARE) * EACH
    assert tally.killed > 0
    assert sampler.samples > 10 and 0 < sampler.most <= SERVERS
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
