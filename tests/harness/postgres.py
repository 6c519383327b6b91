"""A private PostgreSQL cluster for a test session; script/lib/postgres.sh does the work."""
import subprocess
from pathlib import Path

import psycopg

from harness.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "script" / "lib" / "postgres.sh"


class Postgres:
    host = "127.0.0.1"
    superuser = "postgres"
    password = "postgres"

    def __init__(self, directory, *options, primary=None):
        """`primary`: the one that it is a standby of, until it is promoted."""
        self.directory = Path(directory)
        self.options = options
        if primary is not None:
            subprocess.run([PROGRAM, "follow", self.directory, primary.directory], check=True)
        subprocess.run([PROGRAM, "start", self.directory, *options], check=True)
        self.port = int((self.directory / "port").read_text())
        self.socket_directory = self.directory / "socket"
        self.certificate = self.directory / "server.crt"

    def stop(self):
        subprocess.run([PROGRAM, "stop", self.directory], check=True)

    def halt(self, how):
        """Stops the server and keeps the cluster, which must have been started with --keep."""
        subprocess.run([PROGRAM, "stop", self.directory, how], check=True)

    def revive(self):
        """Starts the cluster again where it was."""
        subprocess.run([PROGRAM, "start", self.directory, f"--port={self.port}", *self.options],
                       check=True)

    def promote(self):
        subprocess.run([PROGRAM, "promote", self.directory], check=True)

    def connect(self, database="postgres"):
        """A direct connection of the superuser, in autocommit mode."""
        return psycopg.connect(host=self.host, port=self.port, user=self.superuser,
                               password=self.password, dbname=database, autocommit=True)

    def url(self, user, password, database):
        return f"postgres://{user}:{password}@{self.host}:{self.port}/{database}"


class Database:
    """One database with an owner of its own, so that tests do not meet each other."""

    user = "app"
    password = "s3cret pass"

    def __init__(self, postgres, name):
        self.postgres = postgres
        self.name = name
        with postgres.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" OWNER {self.user}')
        self.admin = postgres.connect(name)

    def drop(self):
        self.admin.close()
        with self.postgres.connect() as connection:
            connection.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def execute(self, statement, *arguments):
        """Runs one statement as superuser, past the pooler; returns its rows if it has any."""
        cursor = self.admin.execute(statement, *arguments)
        return cursor.fetchall() if cursor.description else None

    def servers(self):
        """Process ids of the connections that others than this helper have to the database."""
        rows = self.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()")
        return [pid for (pid,) in rows]

    def active(self, fragment):
        """Process ids that run a statement containing `fragment` right now."""
        rows = self.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE %s",
            (f"%{fragment}%",))
        return [pid for (pid,) in rows]

    def terminate(self, pid):
        self.execute("SELECT pg_terminate_backend(%s)", (pid,))

    def terminate_servers(self):
        """Until their processes are gone, and with them the last that keeps their connections open:
        pg_stat_activity forgets them before that."""
        pids = self.servers()
        for pid in pids:
            self.terminate(pid)
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
