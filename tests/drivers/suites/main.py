#!/usr/bin/python3
"""Plays drivers' own test suites directly and through Tidegate, and compares which tests pass.

Each suite is played twice directly and twice through one and the same Tidegate: the second pass meets what
the first has left behind. A test that passes directly is to pass through Tidegate, unless the suite's file
names it in KNOWN, with the reason. One that fails in either of the direct passes tells nothing.
"""
import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from suites import reports, sources, stage  # noqa: E402  the path comes first

ROOT = HERE.parents[2]
WORK = ROOT / "build" / "suites"
SUITES = ["node_postgres", "postgres_js", "psycopg_tests", "asyncpg_tests", "pgx", "tokio_postgres", "pgjdbc"]
PASSES = (1, 2)


def reason_for(suite, test):
    """Why it is known to fail, or None. KNOWN holds patterns of names."""
    return next((why for pattern, why in suite.KNOWN.items() if re.search(pattern, test)), None)


class Played:
    def __init__(self, suite, passes):
        self.suite = suite
        self.passes = passes
        self.outcomes = {}
        self.seconds = {}

    def play(self, there, name, number, target):
        target.directory.mkdir(parents=True, exist_ok=True)
        since = time.monotonic()
        self.outcomes[name, number] = self.suite.run(there, target)
        self.seconds[name, number] = time.monotonic() - since

    def passed(self, name, number):
        outcomes = self.outcomes.get((name, number), {})
        return {test for test, outcome in outcomes.items() if outcome == reports.PASSED}

    def steady(self):
        return set.intersection(*(self.passed("direct", number) for number in self.passes))

    def lost(self):
        """Tests that a client of Tidegate's cannot pass, with the passes in which it does not."""
        passes = {test: [number for number in self.passes if test not in self.passed("pooled", number)]
                  for test in self.steady()}
        return {test: numbers for test, numbers in sorted(passes.items()) if numbers}


def play(suite, work, short, passes):
    played = Played(suite, passes)
    there = work / "driver"
    there.mkdir(parents=True, exist_ok=True)
    suite.prepare(there)
    with stage.postgres(short / "d") as server:
        getattr(suite, "make_ready", lambda _: None)(server)
        for number in passes:
            target = stage.Target("127.0.0.1", server.port, work / f"direct{number}")
            played.play(there, "direct", number, target)
    with stage.postgres(short / "p") as server:
        users = getattr(suite, "make_ready", lambda _: None)(server)
        with stage.gate(server, work / "gate", users) as gate:
            for number in passes:
                target = stage.Target("127.0.0.1", gate.port, work / f"pooled{number}")
                target.directory.mkdir(parents=True, exist_ok=True)
                with stage.neighbours(target):
                    played.play(there, "pooled", number, target)
    return played


def row(name, *cells):
    return f"{name:16}" + "".join(f"{cell!s:>18}" for cell in cells)


def summary(played):
    cells = []
    for name in ("direct", "pooled"):
        for number in played.passes:
            count = len(played.passed(name, number))
            total = len([o for o in played.outcomes[name, number].values() if o != reports.SKIPPED])
            cells.append(f"{count}/{total} ({played.seconds[name, number]:.0f} s)")
    lost = played.lost()
    known = [test for test in lost if reason_for(played.suite, test) is not None]
    return row(played.suite.NAME, *cells, len(lost) - len(known), len(known))


def details(played):
    """Lines about each difference; those that nobody has explained count."""
    lines, surprises = [], 0
    for test, passes in played.lost().items():
        when = " and ".join(map(str, passes))
        why = reason_for(played.suite, test)
        surprises += why is None
        lines.append(f"{played.suite.NAME}: {test}: fails in pass {when}{': ' + why if why else ''}")
    if not played.steady():
        lines.append(f"{played.suite.NAME}: nothing passes directly")
        surprises += 1
    return lines, surprises


def play_named(name, passes):
    work = WORK / name
    for old in ("direct1", "direct2", "pooled1", "pooled2", "gate"):
        shutil.rmtree(work / old, ignore_errors=True)
    suite = importlib.import_module(f"suites.{name}")
    with tempfile.TemporaryDirectory(prefix="ts") as short:
        os.chmod(short, 0o755)  # PostgreSQL may be another user
        return play(suite, work, Path(short), passes)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUITES)}")
    parser.add_argument("--once", action="store_true", help="one pass each, which takes half as long")
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # what was started is stopped
    options = arguments()
    passes = PASSES[:1] if options.once else PASSES
    tables, told, bad, missing = [], [], 0, 0
    for name in options.names or SUITES:
        try:
            played = play_named(name, passes)
        except sources.Unavailable as why:
            told.append(f"{name}: not played: {why}")
            missing += 1
            continue
        tables.append(summary(played))
        lines, surprises = details(played)
        told += lines
        bad += surprises
    print(row("driver", *(f"{name} {number}" for name in ("direct", "pooled") for number in passes),
              "differences", "known"))
    print("\n".join(tables + told))
    print(f"{len(tables)} suites played, {missing} not; {bad} differences that are not known")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
