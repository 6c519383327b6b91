"""A running Tidegate, configured for one test."""
import os
import signal
import subprocess
from pathlib import Path

import psycopg

from harness.waiting import eventually

PROGRAM = os.environ.get("TIDEGATE") or str(
    Path(__file__).resolve().parents[2] / "build" / "dev" / "tidegate")


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(v)}" for key, v in value.items()) + " }"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def toml_table(header, settings):
    lines = [f"[{header}]"] if header else []
    lines += [f"{key} = {toml_value(value)}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"


def configuration(database, top=None, tls=None, upstream=None, route=None, users=None, more=None):
    """A configuration for one database; each part adds to or replaces what is written here. `more`
    has further sections by their names."""
    postgres = database.postgres
    top = {"workers": 2, "admin_users": [database.user], **(top or {})}
    upstream = {"host": [f"{postgres.host}:{postgres.port}"], "sslmode": "disable",
                "budget": 20, **(upstream or {})}
    route = {"upstream": "main", "pool_size": 5, "lifo": False, **(route or {})}
    users = {database.user: {"password": database.password}, **(users or {})}
    parts = [toml_table("", top), toml_table("tls", tls or {}),
             toml_table("upstream.main", upstream), toml_table(f"route.{database.name}", route)]
    parts += [toml_table(f"user.{name}", settings) for name, settings in users.items()]
    parts += [toml_table(name, settings) for name, settings in (more or {}).items()]
    return "\n".join(parts)


class Gate:
    def __init__(self, directory, arguments, environment=None, preexec=None):
        directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / "tidegate.log"
        self.ready_path = directory / "ready"
        self.ready_path.unlink(missing_ok=True)
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--ready-file", self.ready_path, *arguments],
                stdout=log, stderr=log, env={**os.environ, **(environment or {})},
                preexec_fn=preexec)
        self.pid = self.process.pid
        eventually(self._is_ready, what="tidegate's readiness")
        self.addresses = self.ready_path.read_text().splitlines()
        tcp = [address for address in self.addresses if not address.startswith("unix:")]
        self.host, port = tcp[0].rsplit(":", 1)
        self.port = int(port)
        self.defaults = {}
        self.may_have_left = False  # a test that ends it itself says so

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"tidegate left with {self.process.returncode}:\n{self.log()}")
        return self.ready_path.exists() and self.ready_path.read_text().endswith("\n")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def parameters(self, **overrides):
        return {"host": self.host, "port": self.port, "sslmode": "disable", **self.defaults,
                **overrides}

    def connect(self, autocommit=True, **overrides):
        """A psycopg connection through the gate; keyword arguments as libpq's."""
        return psycopg.connect(autocommit=autocommit, **self.parameters(**overrides))

    def url(self, **query):
        values = self.parameters()
        user, password = values["user"], values["password"].replace(" ", "%20")
        text = f"postgres://{user}:{password}@{self.host}:{self.port}/{values['dbname']}"
        query = {"sslmode": values["sslmode"], **query}
        return text + "?" + "&".join(f"{key}={value}" for key, value in query.items())

    def environment(self):
        """For programs that use libpq's environment variables."""
        values = self.parameters()
        return {**os.environ, "PGHOST": self.host, "PGPORT": str(self.port),
                "PGUSER": values["user"], "PGPASSWORD": values["password"],
                "PGDATABASE": values["dbname"], "PGSSLMODE": values["sslmode"]}

    def memory_kb(self):
        """Private memory of the process."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1])
        raise AssertionError("no Private_Dirty in smaps_rollup")

    def resident_kb(self):
        """Resident memory: less exact than memory_kb, and cheap enough to ask often."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") // 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Ends the process, which must still have been alive and must leave when told to."""
        died_before = self.process.poll()
        try:
            if died_before is None:
                eventually(self._has_left, timeout=30, what="tidegate's end")
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        assert died_before is None or self.may_have_left, (
            f"tidegate died with {died_before}:\n{self.log()[-4000:]}")
        # A sanitizer reports at the very end what has leaked.
        assert self.process.returncode == 0 or self.may_have_left, (
            f"tidegate left with {self.process.returncode}:\n{self.log()[-4000:]}")
        self.may_have_left = True

    def _has_left(self):
        """Asks again each time: two requests at once would be one to the kernel."""
        self.terminate()
        try:
            self.process.wait(timeout=0.2)
            return True
        except subprocess.TimeoutExpired:
            return False
