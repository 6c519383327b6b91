"""What is measured: the forwarder, Debian's PgBouncer, Tidegate, and peers that run already.

Every target is configured alike: transaction pooling over at most 20 servers, SCRAM for the user
`bench`, trust for the user `idle`, TLS when the client asks, one worker.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "bench"
RELEASE = ROOT / "build" / "release"
POOL_SIZE = 20
CLIENTS_MAX = 12_000
DATABASE = USER = PASSWORD = "bench"
SELECT_ONLY = ("\\set aid random(1, 100000 * :scale)\n"
               "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n")


def threads_of(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []


@dataclass
class Target:
    name: str
    host: str
    port: int
    pid: int
    process: subprocess.Popen = None
    pools: bool = True       # false: one server connection per client
    statements: bool = True  # named prepared statements work in transaction mode
    tls: bool = True
    trusts: bool = True      # the user `idle` needs no password
    console: bool = False    # it has Tidegate's own tables
    start_under: Callable = None  # starts another of its kind under a tool such as callgrind

    def cpu_ns(self):
        """Processor time of all its threads so far."""
        total = 0
        for thread in threads_of(self.pid):
            try:
                total += int(Path(f"/proc/{self.pid}/task/{thread}/schedstat").read_text().split()[0])
            except FileNotFoundError:
                pass
        return total

    def private_bytes(self):
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(int(kb) * 1024 for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M))

    def pin(self, processors):
        for thread in threads_of(self.pid):
            os.sched_setaffinity(int(thread), processors)

    def environment(self, tls=False):
        return {**os.environ, "PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": USER,
                "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE,
                "PGSSLMODE": "require" if tls else "disable"}

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Postgres:
    """The private PostgreSQL; its data stay under build/bench for the next run."""

    host = "127.0.0.1"
    program = ROOT / "script" / "lib" / "postgres.sh"

    def __init__(self, port=None):
        self.directory = WORK / "postgres"
        options = [f"--port={port}"] if port else []
        subprocess.run([self.program, "start", self.directory, "--keep", "--tls", *options,
                        "shared_buffers=512MB", "max_connections=300", "jit=off",
                        "max_wal_size=4GB", "log_statement=none"], check=True)
        self.port = int((self.directory / "port").read_text())
        self.pid = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        self.certificate = self.directory / "server.crt"
        self.key = self.directory / "server.key"

    def psql(self, sql, database="postgres"):
        environment = {**os.environ, "PGPASSWORD": "postgres"}
        done = subprocess.run(["psql", "-XAtq", "-h", self.host, "-p", str(self.port), "-U",
                               "postgres", "-d", database, "-c", sql], env=environment,
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def prepare(self, scale):
        """Tables of pgbench and one for COPY; nothing when they are there from an earlier run."""
        if not self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self.psql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
            self.psql(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        if not self.psql("SELECT to_regclass('copied')", DATABASE):
            direct = Target("direct", self.host, self.port, self.pid)
            subprocess.run(["pgbench", "-i", "-q", "-s", str(scale)], env=direct.environment(),
                           check=True, capture_output=True)
            self.psql(f"CREATE UNLOGGED TABLE copied (line text); ALTER TABLE copied OWNER TO {USER}",
                      DATABASE)

    def scale(self):
        return int(self.psql("SELECT count(*) FROM pgbench_branches", DATABASE))

    def secret(self):
        """What is stored of the password: nobody has to derive it again at a login."""
        return self.psql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{USER}'")

    def processes(self):
        """The postmaster and its children, which inherit where they may run."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def pin(self, processors):
        for pid in self.processes():
            try:
                os.sched_setaffinity(pid, processors)
            except ProcessLookupError:
                pass

    def stop(self):
        subprocess.run([self.program, "stop", self.directory], check=True)


def await_port(port, process):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}; see {WORK}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_forwarder(postgres, under=()):
    process = subprocess.Popen(
        [*under, RELEASE / "bench" / "forwarder", postgres.host, str(postgres.port)],
        stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline())
    return Target("forwarder", "127.0.0.1", port, process.pid, process, pools=False, trusts=False,
                  start_under=lambda tool: start_forwarder(postgres, tool))


def pgbouncer_version():
    """(1, 18) of `PgBouncer 1.18.0`, or None."""
    if not shutil.which("pgbouncer"):
        return None
    text = subprocess.run(["pgbouncer", "--version"], capture_output=True, text=True).stdout
    return tuple(map(int, re.search(r"(\d+)\.(\d+)", text).groups()))


def start_pgbouncer(postgres):
    version = pgbouncer_version()
    directory = WORK / "pgbouncer"
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (directory / "users").write_text(f'"{USER}" "{postgres.secret()}"\n"idle" ""\n')
    (directory / "hba").write_text("host all idle 127.0.0.1/32 trust\n"
                                   "host all all 127.0.0.1/32 scram-sha-256\n")
    certificate, key = directory / "server.crt", directory / "server.key"
    shutil.copy(postgres.certificate, certificate)
    shutil.copy(postgres.key, key)
    prepared = "max_prepared_statements = 200\n" if version >= (1, 21) else ""
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n{DATABASE} = host={postgres.host} port={postgres.port} user={USER}"
        f" password={PASSWORD}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = hba\nauth_hba_file = {directory}/hba\n"
        f"auth_file = {directory}/users\npool_mode = transaction\n"
        f"default_pool_size = {POOL_SIZE}\nmax_client_conn = {CLIENTS_MAX}\n{prepared}"
        f"ignore_startup_parameters = extra_float_digits\nserver_tls_sslmode = disable\n"
        f"client_tls_sslmode = allow\nclient_tls_cert_file = {certificate}\n"
        f"client_tls_key_file = {key}\nlog_connections = 0\nlog_disconnections = 0\n")
    # It refuses to run as root, and like PostgreSQL it must still get to its files.
    become = []
    if os.geteuid() == 0:
        shutil.chown(key, "postgres")
        become = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups",
                  "--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*become, shutil.which("pgbouncer"), directory / "pgbouncer.ini"],
                                   stdout=log, stderr=log)
    await_port(port, process)
    return Target("pgbouncer", "127.0.0.1", port, process.pid, process,
                  statements=version >= (1, 21))


def start_tidegate(postgres, name="tidegate", workers=1, under=()):
    directory = WORK / name
    directory.mkdir(parents=True, exist_ok=True)
    certificate = (f'cert_file = "{postgres.certificate}"\nkey_file = "{postgres.key}"\n'
                   if postgres.certificate else "")
    (directory / "tidegate.toml").write_text(
        f'workers = {workers}\nclients_max = {CLIENTS_MAX}\nadmin_users = ["{USER}"]\n'
        f'[tls]\nsslmode = "prefer"\n{certificate}[log]\nconnections = false\n'
        f'[upstream.main]\nhost = "{postgres.host}:{postgres.port}"\nsslmode = "disable"\n'
        f'user = "{USER}"\npassword = "{PASSWORD}"\nbudget = {2 * POOL_SIZE}\n'
        f'[route.{DATABASE}]\nupstream = "main"\npool_size = {POOL_SIZE}\n'
        f'[user.{USER}]\npassword = "{postgres.secret()}"\n[user.idle]\ntrust = true\n')
    ready = directory / "ready"
    ready.unlink(missing_ok=True)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*under, RELEASE / "tidegate", "serve", "--config", directory / "tidegate.toml",
             "--listen", "127.0.0.1:0", "--ready-file", ready], stdout=log, stderr=log)
    deadline = time.monotonic() + 10
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"tidegate did not start; see {directory}/log")
        time.sleep(0.02)
    host, port = ready.read_text().split()[0].rsplit(":", 1)
    return Target(name, host, int(port), process.pid, process, console=True,
                  start_under=lambda tool: start_tidegate(postgres, f"{name}-under", workers, tool))


def peer(text):
    """NAME=HOST:PORT:PID, a pooler that runs already and is configured like the others."""
    match = re.fullmatch(r"(\w+)=([\w.]+):(\d+):(\d+)", text)
    if not match:
        raise SystemExit(f"--peer wants NAME=HOST:PORT:PID, not {text}")
    name, host, port, pid = match.groups()
    return Target(name, host, int(port), int(pid))
