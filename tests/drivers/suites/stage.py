"""Where a suite is played: a PostgreSQL of its own, and in front of it a Tidegate with neighbours.

The superuser runs it, as the drivers' authors do it. The servers are handed out in turn, and noisy
neighbours (harness/noise.py) work on them in between.
"""
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.gate import Gate, toml_table
from harness.postgres import Postgres

NOISE = Path(__file__).resolve().parents[2] / "harness" / "noise.py"
USER = PASSWORD = DATABASE = "postgres"
WARM = 4


@dataclass
class Target:
    """What a suite is pointed at."""
    host: str
    port: int
    directory: Path  # for reports and logs of this pass
    user: str = USER
    password: str = PASSWORD
    database: str = DATABASE

    def environment(self):
        return {**os.environ, "PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.user,
                "PGPASSWORD": self.password, "PGDATABASE": self.database, "PGSSLMODE": "disable"}

    def url(self):
        return f"postgres://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


@contextmanager
def postgres(directory):
    # Short, because the path of a unix socket may have 107 bytes.
    server = Postgres(directory, "--tls", "max_connections=200", "max_prepared_transactions=64",
                      "wal_level=logical",
                      "log_statement=none")
    try:
        yield server
    finally:
        server.stop()


def configuration(server, users):
    """TLS is there for who wants it, as on the database."""
    parts = [toml_table("", {"workers": 2, "admin_users": [USER], "listen": ["127.0.0.1:0"]}),
             toml_table("tls", {"sslmode": "allow"}),
             toml_table("upstream.main", {"host": [f"127.0.0.1:{server.port}"], "sslmode": "disable",
                                          "budget": 150}),
             toml_table('route."*"', {"upstream": "main", "pool_size": 60, "lifo": False})]
    parts += [toml_table(f'user."{name}"', {"password": password})
              for name, password in {USER: PASSWORD, **users}.items()]
    return "\n".join(parts)


@contextmanager
def gate(server, directory, users=None):
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "tidegate.toml"
    file.write_text(configuration(server, users or {}))
    tidegate = Gate(directory, ["--config", file])
    try:
        yield tidegate
    finally:
        tidegate.process.send_signal(signal.SIGKILL)
        tidegate.process.wait()


@contextmanager
def neighbours(target):
    with (target.directory / "noise.log").open("w") as log:
        noise = subprocess.Popen([sys.executable, NOISE, "--clients", "2", "--pause", "0.05", "--warm",
                                  str(WARM)], env=target.environment(), stdout=log, stderr=log)
        try:
            yield
        finally:
            noise.terminate()
            noise.wait(timeout=30)
