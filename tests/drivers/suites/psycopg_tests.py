"""psycopg 3: its own tests, of Debian's version, with Debian's Python."""
import shutil

from suites import reports, sources

NAME = "psycopg"
MINUTES = 15
# Those of CockroachDB, type checkers and the pool package are of no concern here; the proxy that some put in
# between is another package.
LEFT_OUT = ["tests/crdb", "tests/pool", "tests/test_typing.py", "tests/test_module.py", "tests/scripts"]
KNOWN = {
    "test_prepared|test_auto_prepare":
        "counts the rows of pg_prepared_statements, which are the server's and of other clients, too",
    "test_notify": "a notification tells the process id of the server that sent it",
    "test_broken|inerror_rollback_no_clobber":
        "ends a server by the process id that the client was told, which is Tidegate's",
}


def prepare(there):
    tests = sources.debian("psycopg3") if sources.own("psycopg") is None else sources.own("psycopg")
    shutil.copytree(tests / "tests", there / "tests", dirs_exist_ok=True)


def run(there, target):
    report = target.directory / "report.xml"
    dsn = f"host={target.host} port={target.port} user={target.user} password={target.password}" \
          f" dbname={target.database} sslmode=disable"
    reports.run(["/usr/bin/python3", "-m", "pytest", "-q", "-o", "cache_dir=.cache", "-p", "no:xdist",
                 "-o", "asyncio_mode=auto",
                 "--timeout", "60", f"--junitxml={report}", f"--test-dsn={dsn}",
                 "-m", "not slow and not subprocess and not timing",
                 *[f"--ignore={path}" for path in LEFT_OUT], "tests"],
                target.directory / "log", MINUTES * 60, cwd=there,
                env={**target.environment(), "PYTHONDONTWRITEBYTECODE": "1"})
    return reports.junit(report) if report.exists() else {}
