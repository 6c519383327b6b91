#!/usr/bin/python3
"""Measures Tidegate side by side with a plain forwarder and other poolers; see script/bench.

Rounds are interleaved (A B C A B C ...), so that whatever else the machine does meets all of them
alike, and ratios are taken within a round.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict

import figures
import measure
import targets

MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 64, 512)


def load_cell(mode, clients):
    return lambda bench, target: measure.load(bench, target, mode, clients)


def calls_cell(mode, clients):
    return lambda bench, target: measure.system_calls(bench, target, mode, clients)


def moves_cell(mode):
    return lambda bench, target: measure.moves(bench, target, mode, 64)


def instructions_cell(mode):
    return lambda bench, target: measure.instructions(bench, target, mode)


def cells():
    """Name -> measurement, in the order in which they are run."""
    made = {f"{mode}{clients}": load_cell(mode, clients) for mode in MODES for clients in CLIENTS}
    made["rate"] = measure.fixed_rate
    made["connect"] = lambda bench, target: measure.new_connections(bench, target, tls=False)
    made["connect-tls"] = lambda bench, target: measure.new_connections(bench, target, tls=True)
    made["result"] = measure.large_result
    made["copy-out"] = measure.copy_out
    made["copy-in"] = measure.copy_in
    for mode in MODES:
        made[f"calls-{mode}64"] = calls_cell(mode, 64)
        made[f"moves-{mode}64"] = moves_cell(mode)
        made[f"instructions-{mode}64"] = instructions_cell(mode)
    made["idle"] = lambda bench, target: measure.idle(bench, target, tls=False)
    made["idle-tls"] = lambda bench, target: measure.idle(bench, target, tls=True)
    return made


QUICK = ("simple1", "simple64", "prepared64", "rate", "connect", "result", "calls-simple64")
# Counted rather than timed, or slow and steady: a few rounds say as much as many.
STEADY = ("calls-", "moves-", "instructions-", "idle")


def suits(cell, target):
    """Whether a target can take part in a cell at all."""
    if "prepared" in cell and not target.statements:
        return False
    if cell.startswith("moves") and not target.console:
        return False
    if cell.startswith("instructions") and target.start_under is None:
        return False
    if cell.endswith("512") and not target.pools:
        return False  # it would need 512 server connections
    if cell.startswith("idle"):
        return target.pools and target.trusts
    return True


def chosen_cells(options):
    every = cells()
    if options.only:
        names = options.only.split(",")
        unknown = [name for name in names if name not in every]
        if unknown:
            raise SystemExit(f"no cell named {unknown[0]}; there are: {', '.join(every)}")
        return {name: every[name] for name in names}
    return {name: every[name] for name in (QUICK if options.quick else every)}


def start_targets(options, postgres):
    wanted = options.targets.split(",")
    makers = {"forwarder": targets.start_forwarder, "tidegate": targets.start_tidegate,
              "tidegate2": lambda p: targets.start_tidegate(p, "tidegate2", workers=2)}
    if targets.pgbouncer_version():
        makers["pgbouncer"] = targets.start_pgbouncer
    started = [makers[name](postgres) for name in wanted if name in makers]
    return started + [targets.peer(text) for text in options.peer]


def pin(options, postgres, started):
    """Poolers on the second processor, everything else on the first."""
    if not options.pinned:
        return None
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("--pinned needs two processors")
    postgres.pin({0})
    for target in started:
        target.pin({1})
    return {0}


def measure_all(options, bench, started, results):
    for cell, measurement in chosen_cells(options).items():
        rounds = min(3, options.pairs) if cell.startswith(STEADY) else options.pairs
        for number in range(rounds):
            for target in started:
                if not suits(cell, target):
                    continue
                progress(f"{cell} {number + 1}/{rounds} {target.name}")
                try:
                    found = measurement(bench, target)
                except RuntimeError as problem:
                    print(f"\n{cell}: {problem}", file=sys.stderr)
                    continue
                for figure, value in found.items():
                    results[cell][figure][target.name].append(value)
    progress("")


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def rows_of(results):
    for cell, by_figure in results.items():
        for figure, by_target in by_figure.items():
            yield cell, figure, by_target


def scaling(options):
    """Throughput over the number of workers, in front of a stub that costs next to nothing."""
    print("| workers | tps | cpu us/tx |\n|---|---|---|")
    threads = max(1, (os.cpu_count() or 1) // 4)
    stub = subprocess.Popen([targets.RELEASE / "bench" / "stub_server", str(threads)],
                            stdout=subprocess.PIPE, text=True)
    database = argparse.Namespace(host="127.0.0.1", port=int(stub.stdout.readline()),
                                  certificate="", secret=lambda: targets.PASSWORD)
    try:
        workers = 1
        while workers <= max(1, (os.cpu_count() or 1) // 2):
            gate = targets.start_tidegate(database, f"scaling{workers}", workers)
            try:
                bench = measure.Bench(options.seconds, scale=1)
                found = measure.load(bench, gate, "simple", 64)
                print(f"| {workers} | {found['tps']:.0f} | {found['cpu us/tx']:.2f} |")
            finally:
                gate.stop()
            workers *= 2
    finally:
        stub.kill()
        stub.wait()


def parse_options():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few cells, two rounds, two seconds")
    parser.add_argument("--only", help="cells by name, separated by commas")
    parser.add_argument("--pairs", type=int, help="rounds per cell (15 to judge by)")
    parser.add_argument("--seconds", type=int, help="length of one timed measurement")
    parser.add_argument("--targets", default="forwarder,pgbouncer,tidegate",
                        help="which to start; tidegate2 has two workers")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=HOST:PORT:PID",
                        help="a pooler that runs already")
    parser.add_argument("--postgres-port", type=int, help="fixed, for peers to be configured with")
    parser.add_argument("--pinned", action="store_true",
                        help="poolers on one processor, everything else on another")
    parser.add_argument("--json", help="write every single value to this file")
    parser.add_argument("--cores", action="store_true", help="scaling over workers, with a stub")
    options = parser.parse_args()
    options.pairs = options.pairs or (2 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 3)
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # everything started is stopped
    targets.WORK.mkdir(parents=True, exist_ok=True)
    if options.cores:
        return scaling(options)
    postgres = targets.Postgres(options.postgres_port)
    started = []
    results = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    try:
        progress("preparing the database")
        postgres.prepare(scale=20)
        started = start_targets(options, postgres)
        bench = measure.Bench(options.seconds, postgres.scale(), pin(options, postgres, started))
        measure_all(options, bench, started, results)
    except KeyboardInterrupt:
        print("\ninterrupted; what there is so far:", file=sys.stderr)
    finally:
        for target in started:
            target.stop()
        postgres.stop()
    names = [target.name for target in started]
    peers = [text.split("=")[0] for text in options.peer]
    references = [name for name in ("forwarder", "pgbouncer", *peers) if name in names]
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors,"
          f" {'pinned' if options.pinned else 'unpinned'}, {options.pairs} rounds")
    print("\n".join(figures.table(rows_of(results), references)))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    return None


if __name__ == "__main__":
    main()
