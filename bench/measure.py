"""One measurement each: a load run, a fixed rate, new connections, large results, idle clients.

Every function takes a target and returns {figure: value}; a figure that this machine or target
cannot give is left out.
"""
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from figures import percentile
from targets import RELEASE, SELECT_ONLY, WORK

GIGABYTE = 1e9
COPY_BYTES = 100_000_000
COUNTED_RUNS = (50, 250)  # transactions per client


class Bench:
    """Where and how long to measure; shared by all measurements of a run."""

    def __init__(self, seconds, scale, load_processors=None):
        self.seconds = seconds
        self.scale = scale
        self.load_processors = load_processors  # None: wherever the kernel likes
        self.script = WORK / "select_only.sql"
        self.script.write_text(SELECT_ONLY)

    def pgbench(self, target, *options, tls=False, **settings):
        return subprocess.Popen(
            ["pgbench", "-n", "-f", self.script, "-s", str(self.scale), *options],
            env=target.environment(tls), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=self.restrict, **settings)

    def lasting(self, clients):
        """pgbench's own clock runs while its clients log in, which SCRAM makes slow."""
        return ["-T", str(self.seconds + 2 + clients // 64), "-c", str(clients), "-j", "2"]

    def restrict(self):
        if self.load_processors:
            os.sched_setaffinity(0, self.load_processors)

    def run(self, target, *command):
        subprocess.run(command, env=target.environment(), preexec_fn=self.restrict, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def windowed(bench, target, *options, tls=False):
    """Runs pgbench with a progress line per second; figures between its first and last line.

    The first second, with the logins in it, is thereby left out.
    """
    process = bench.pgbench(target, "-P", "1", *options, tls=tls)
    marks, errors = [], []
    for line in process.stderr:
        match = re.match(r"progress: ([\d.]+) s, ([\d.]+) tps, lat ([\d.]+)", line)
        if match:
            marks.append((time.monotonic(), target.cpu_ns(), *map(float, match.groups())))
        elif "error" in line or "fatal" in line.lower():
            errors.append(line.strip())
    process.communicate()
    if process.returncode or errors or len(marks) < 2:
        raise RuntimeError(f"{target.name}: {errors[:1] or 'pgbench gave no figures'}")
    transactions = sum((now[2] - before[2]) * now[3] for before, now in zip(marks, marks[1:]))
    elapsed = marks[-1][0] - marks[0][0]
    return {"cpu us/tx": (marks[-1][1] - marks[0][1]) / 1e3 / transactions,
            "tps": transactions / elapsed}


def load(bench, target, mode, clients):
    return windowed(bench, target, "-M", mode, *bench.lasting(clients))


def new_connections(bench, target, tls):
    figures = windowed(bench, target, "-C", *bench.lasting(16), tls=tls)
    return {"cpu us/connection": figures["cpu us/tx"], "connections/s": figures["tps"]}


def fixed_rate(bench, target, rate=5000, clients=64):
    """Latency from the moment a transaction was due, without the first second."""
    with tempfile.TemporaryDirectory() as directory:
        process = bench.pgbench(target, "-M", "simple", *bench.lasting(clients), "-R",
                                str(rate), "-l", "--log-prefix", f"{directory}/log")
        _, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{target.name}: {errors.splitlines()[-1:]}")
        samples = []
        for log in Path(directory).iterdir():
            for line in log.read_text().splitlines():
                fields = line.split()
                samples.append((int(fields[4]) + int(fields[5]) / 1e6, int(fields[2]) / 1e3))
    first = min((when for when, _ in samples), default=0)
    latencies = sorted(ms for when, ms in samples if when > first + 1)
    if not latencies:
        raise RuntimeError(f"{target.name}: no transaction after the first second")
    return {name: percentile(latencies, fraction) for name, fraction in
            (("p50 ms", 0.5), ("p99 ms", 0.99), ("p99.9 ms", 0.999))}


def system_calls(bench, target, mode, clients):
    """Counted from before the logins to after the end, over so many transactions that the logins
    do not show; nothing where the kernel forbids counting."""
    events = {"syscalls/tx": "raw_syscalls:sys_enter",
              "epoll_ctl/tx": "syscalls:sys_enter_epoll_ctl",
              "futex/tx": "syscalls:sys_enter_futex"}
    if not shutil.which("perf"):
        return {}
    transactions = 100_000 // clients
    counter = subprocess.Popen(
        ["perf", "stat", "-x", ",", "-e", ",".join(events.values()), "-p", str(target.pid)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)  # perf says nothing when it has attached
    if counter.poll() is not None:
        return {}
    process = bench.pgbench(target, "-M", mode, "-c", str(clients), "-j", "2", "-t",
                            str(transactions))
    process.communicate()
    counter.send_signal(2)
    text = counter.communicate()[1]
    figures = {}
    for name, event in events.items():
        match = re.search(rf"^(\d+),[^,]*,{event},", text, re.M)
        if match and not process.returncode:
            figures[name] = int(match.group(1)) / (transactions * clients)
    return figures


def per_gigabyte(bench, target, *command, repeat=3):
    before = target.cpu_ns()
    for _ in range(repeat):
        bench.run(target, *command)
    used = (target.cpu_ns() - before) / 1e9
    return {"cpu s/GB": used / (repeat * COPY_BYTES / GIGABYTE)}


def large_result(bench, target):
    rows = COPY_BYTES // 1000
    return per_gigabyte(bench, target, "psql", "-XAtq", "-c",
                        f"SELECT repeat('x', 1000) FROM generate_series(1, {rows})")


def copy_out(bench, target):
    rows = COPY_BYTES // 1000
    return per_gigabyte(bench, target, "psql", "-XAtq", "-c",
                        f"COPY (SELECT repeat('x', 999) FROM generate_series(1, {rows})) TO STDOUT")


def copy_in(bench, target):
    source = WORK / "copy_in.txt"
    if not source.exists() or source.stat().st_size != COPY_BYTES:
        source.write_bytes((b"x" * 999 + b"\n") * (COPY_BYTES // 1000))
    return per_gigabyte(bench, target, "psql", "-Xq", "-c", "TRUNCATE copied", "-c",
                        f"\\copy copied FROM '{source}'")


def moves(bench, target, mode, clients):
    """How often a server had to move to the worker of the client that got it."""
    before = assignments(target)
    bench.run(target, "pgbench", "-n", "-f", bench.script, "-s", str(bench.scale), "-M", mode,
              "-c", str(clients), "-j", "2", "-t", str(20_000 // clients))
    assigned, moved = (now - then for now, then in zip(assignments(target), before))
    return {"moves/1000 tx": 1000 * moved / assigned}


def assignments(target):
    """How many times a server was assigned to a client, and how many of these moved it."""
    done = subprocess.run(["psql", "-XAt", "-d", "tidegate", "-P", "tuples_only=off", "-c",
                           "SHOW UPSTREAMS"], env=target.environment(), check=True,
                          capture_output=True, text=True)
    names, values = (line.split("|") for line in done.stdout.splitlines()[:2])
    row = dict(zip(names, values))
    return int(row["assigned"]), int(row["moved"])


def instructions(bench, target, mode, clients=64):
    """User-space instructions per transaction, counted by callgrind: noise does not touch them.

    Two runs that differ in nothing but their length; what is more in the longer one is its
    transactions alone.
    """
    if not shutil.which("valgrind"):
        return {}
    with tempfile.TemporaryDirectory() as directory:
        counted = target.start_under(["valgrind", "-q", "--tool=callgrind",
                                      f"--callgrind-out-file={directory}/counts"])
        try:
            # Starting, and opening servers, is not what is counted.
            instructions_of_run(bench, counted, mode, clients, COUNTED_RUNS[0], directory)
            totals = [instructions_of_run(bench, counted, mode, clients, transactions, directory)
                      for transactions in COUNTED_RUNS]
        finally:
            counted.stop()
    more = (COUNTED_RUNS[1] - COUNTED_RUNS[0]) * clients
    return {"instructions/tx": (totals[1] - totals[0]) / more}


def instructions_of_run(bench, target, mode, clients, transactions, directory):
    process = bench.pgbench(target, "-M", mode, "-c", str(clients), "-t", str(transactions))
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{target.name}: {errors.splitlines()[-1:]}")
    return instructions_so_far(target, directory)


def instructions_so_far(target, directory):
    """Since it was asked before."""
    before = set(Path(directory).iterdir())
    subprocess.run(["callgrind_control", "--dump", str(target.pid)], check=True,
                   capture_output=True)
    dump = next(iter(set(Path(directory).iterdir()) - before))
    return int(re.search(r"^totals: (\d+)", dump.read_text(), re.M).group(1))


def idle(bench, target, tls, count=10_000):
    """Memory per client that did a little and now does nothing, and processor time they cost."""
    words = (["tls"] if tls else []) + ([] if target.statements else ["unnamed"])
    before = target.private_bytes()
    process = subprocess.Popen(
        [RELEASE / "bench" / "idle_clients", target.host, str(target.port), "idle", "bench",
         str(count), *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    ready = process.stdout.readline()
    watchdog.cancel()
    if not ready.startswith("ready"):
        raise RuntimeError(f"{target.name}: {process.stderr.read().strip()}")
    memory = (target.private_bytes() - before) / count
    cpu, started = target.cpu_ns(), time.monotonic()
    time.sleep(5)
    used = (target.cpu_ns() - cpu) / 1e6 / (time.monotonic() - started)
    process.communicate()
    return {"bytes/client": memory, "idle cpu ms/s": used}
