"""pgx: its own tests, which its module brings along."""
import json
import shutil

from suites import reports, sources

NAME = "pgx"
MINUTES = 25
VERSION = "v5.5.5"
MODULE = "github.com/jackc/pgx/v5"
KNOWN = {
    "TestFatalTxError|TestFatalRxError|TestConnPing|TestConnCheckConn|ChecksIdleConns|CheckIdleConn":
        "ends a server by the process id that an idle client was told, which is Tidegate's",
    "TestConnMultiplePrepareAndDeallocate":
        "counts the rows of pg_prepared_statements, which are the server's, whose statements outlive a Close",
}


def prepare(there):
    """A copy, because the module's own directory is read-only and builds nothing."""
    sources.needs("go")
    module = sources.own("pgx")
    if module is None:
        described = sources.run("go", "mod", "download", "-json", f"{MODULE}@{VERSION}", cwd="/")
        module = sources.Path(json.loads(described)["Dir"])
    shutil.rmtree(there / "pgx", ignore_errors=True)
    shutil.copytree(module, there / "pgx")
    sources.run("chmod", "-R", "u+w", there / "pgx")
    sources.run("go", "mod", "download", cwd=there / "pgx")


def make_ready(server):
    """What its continuous integration does before; and the users whom a pooler must know."""
    with server.connect() as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS hstore")
        connection.execute("CREATE EXTENSION IF NOT EXISTS ltree")
        connection.execute("CREATE DOMAIN uint64 AS numeric(20, 0)")
        for user in ("pgx_md5", "pgx_scram", "pgx_pw"):
            connection.execute(f"CREATE USER {user} PASSWORD 'secret'")
    return {user: "secret" for user in ("pgx_md5", "pgx_scram", "pgx_pw")}


def run(there, target):
    dsn = f"host={target.host} port={target.port} user={target.user} password={target.password}" \
          f" dbname={target.database} sslmode=disable"
    environment = {**target.environment(), "PGX_TEST_DATABASE": dsn, "PGX_TEST_TCP_CONN_STRING": dsn}
    log = target.directory / "log"
    reports.run(["go", "test", "-json", "-count=1", "-p", "1", "-timeout", "600s", "./..."], log, MINUTES * 60,
                cwd=there / "pgx", env=environment)
    return reports.go_events(log)
