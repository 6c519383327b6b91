"""Noisy neighbours: clients of the same user and database that leave their marks on every server.

    noise.py [--clients N] [--rounds N] [--count FILE]

goes where libpq's variables (PGHOST, PGPORT, ...) say, until SIGTERM or for so many rounds, and writes to
FILE how many rounds there were. A round always holds the same transactions, so that what the neighbours
cost can be told from what they were started for. What they do is settings, statements, locks and tables of
their own: on connections of their own nobody else could notice any of it, but for a glance at all locks.
"""
import argparse
import itertools
import signal
import threading
import time
from pathlib import Path

import psycopg

# What stays behind if nobody puts it right, one transaction each.
SETTINGS = [
    "SET search_path = noise_nowhere",
    "SET DateStyle = 'German, YMD'",
    "SET TimeZone = 'Asia/Kathmandu'",
    "SET IntervalStyle = 'sql_standard'",
    "SET bytea_output = 'escape'",
    "SET extra_float_digits = -5",
    "SET standard_conforming_strings = off",
    "SET enable_seqscan = off; SET enable_indexscan = off; SET enable_hashjoin = off",
    "SET default_transaction_isolation = 'serializable'",
    "SELECT set_config('noise.tenant', 'somebody', false)",
    "SET statement_timeout = '17min'; SET lock_timeout = '16min'",
    "SET client_min_messages = 'error'; SET row_security = off",
    "DO $$ BEGIN PERFORM set_config('work_mem', '77kB', false); END $$",
    "SET default_transaction_read_only = on",
    "SELECT 'noise'",
]
# What nobody can replay: it goes with the client, or with a DISCARD ALL.
STATE = [
    "SET ROLE pg_monitor",
    "SELECT pg_advisory_lock(4711), pg_advisory_unlock(4711)",
    "PREPARE noise_statement AS SELECT 'noise'",
    "LISTEN noise_channel",
    "SELECT setseed(0.25)",
    "DECLARE noise_cursor CURSOR WITH HOLD FOR SELECT 'noise'",
    "CREATE TEMPORARY TABLE noise_table AS SELECT 'noise' AS noise",
    "CREATE TEMPORARY SEQUENCE noise_sequence",
    "SELECT nextval('noise_sequence')",
]


class Neighbour:
    """One client after another, as fast as is polite."""

    def __init__(self, stop, pause):
        self.stop = stop
        self.pause = pause

    def say(self, connection, statement, **options):
        connection.execute(statement, **options)
        self.stop.wait(self.pause)

    def settings(self):
        with psycopg.connect(autocommit=True) as connection:
            for statement in SETTINGS:
                self.say(connection, statement)

    def statements(self):
        with psycopg.connect(autocommit=True) as connection:
            for number in range(6):
                self.say(connection, f"SELECT {number % 3} + %s::int", params=[1], prepare=True)
            with connection.transaction():
                self.say(connection, "SET LOCAL search_path = pg_catalog")

    def state(self, discard):
        with psycopg.connect(autocommit=True) as connection:
            for statement in STATE:
                self.say(connection, statement)
            if discard:
                self.say(connection, "RESET ROLE")
                self.say(connection, "DISCARD ALL")

    def round(self):
        self.settings()
        self.statements()
        self.state(discard=False)
        self.settings()
        self.state(discard=True)


def warm(clients):
    """As many servers as there are clients, so that they can take turns."""
    connections = [psycopg.connect(autocommit=True) for _ in range(clients)]
    for connection in connections:
        connection.execute("BEGIN")
    for connection in connections:
        connection.execute("COMMIT")
        connection.close()


def make_noise(neighbour, rounds, counts, errors):
    for _ in itertools.count() if rounds is None else range(rounds):
        if neighbour.stop.is_set():
            return
        try:
            neighbour.round()
            counts.append(1)
        except psycopg.Error as error:  # a test that drops the database, or kills everybody in it
            errors.append(str(error))
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--pause", type=float, default=0.02)
    parser.add_argument("--warm", type=int, default=5)
    parser.add_argument("--count", type=Path)
    options = parser.parse_args()
    stop, counts, errors = threading.Event(), [], []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    warm(options.warm)
    neighbours = [threading.Thread(target=make_noise, args=(Neighbour(stop, options.pause), options.rounds,
                                                            counts, errors))
                  for _ in range(options.clients)]
    for neighbour in neighbours:
        neighbour.start()
    for neighbour in neighbours:
        neighbour.join()
    if options.count:
        options.count.write_text(f"{len(counts)} {len(errors)}\n")
    for error in sorted(set(errors)):
        print(f"{errors.count(error)} times: {error}")


if __name__ == "__main__":
    main()
