"""Holds parleys of many seeds, and makes what fails small: script/parley."""
import argparse
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from harness.gate import Gate, configuration
from harness.parley import Parley, Undecided, make_tables
from harness.postgres import Database, Postgres
from harness.shrinking import shrink
from harness.sounds import spoken
from harness.waiting import eventually

SHRINKING_S_MAX = 60.0


class Stage:
    """One PostgreSQL, and a new gate for each try."""

    def __init__(self, directory):
        directory.chmod(0o755)  # PostgreSQL has a user of its own
        self.directory, self.tries = directory, 0
        self.postgres = Postgres(directory / "cluster", "log_statement=none")
        with self.postgres.connect() as connection:
            connection.execute(f"CREATE ROLE {Database.user} LOGIN PASSWORD '{Database.password}'")
        self.database = Database(self.postgres, "parley")
        make_tables(self.database, Parley(0).clients)

    def difference(self, parley, events):
        """What is heard otherwise, as text; None: nothing, or PostgreSQL did not answer either."""
        self.tries += 1
        directory = self.directory / f"gate{self.tries}"
        directory.mkdir()
        file = directory / "tidegate.toml"
        file.write_text(configuration(self.database, top=parley.top, route=parley.route))
        gate = Gate(directory, ["--config", file, "--listen", "127.0.0.1:0"])
        try:
            parley.hold(gate, self.database, events)
            gate.stop()
        except AssertionError as difference:
            return str(difference)
        except (Undecided, psycopg.Error) as error:
            if events is parley.events:
                print(f"seed {parley.seed}: not compared: {error}", flush=True)
            eventually(self.is_back, timeout=60, what="PostgreSQL, back from its crash")
        finally:
            if gate.process.poll() is None:
                gate.stop()
        return None

    def is_back(self):
        try:
            self.database.admin = self.postgres.connect(self.database.name)
            return True
        except psycopg.Error:
            return False

    def close(self):
        self.postgres.stop()


def report(stage, parley, difference):
    print(f"seed {parley.seed}: {difference}\n", flush=True)
    until = time.monotonic() + SHRINKING_S_MAX
    events = shrink(parley.events, lambda some: time.monotonic() < until and
                    stage.difference(parley, some) is not None)
    print(f"seed {parley.seed} with {parley.top} {parley.route}, made small:")
    for event in events:
        print(f"  client {event.client} ({event.share:.0%} at first"
              f"{', waits' if event.waits else ''}): {spoken(event.step.bytes)}")
    print(stage.difference(parley, events) or "(which fails only sometimes)", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="script/parley", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first one (1)")
    parser.add_argument("--runs", type=int, default=100, help="how many (100)")
    options = parser.parse_args()
    different = 0
    with tempfile.TemporaryDirectory(prefix="parley.") as directory:
        stage = Stage(Path(directory))
        try:
            for seed in range(options.seed, options.seed + options.runs):
                parley = Parley(seed)
                difference = stage.difference(parley, parley.events)
                if difference is not None:
                    different += 1
                    report(stage, parley, difference)
        finally:
            stage.close()
    print(f"{options.runs} parleys, {different} sound otherwise than directly")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
