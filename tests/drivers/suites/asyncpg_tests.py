"""asyncpg: its own tests, of Debian's version, with Debian's Python."""
import shutil

from suites import reports, sources

NAME = "asyncpg"
MINUTES = 15
KNOWN = {
    "test_listeners": "a notification tells the process id of the server that sent it",
    "test_type_cache_invalidation_in_pool|TestIntrospection":
        "drops a database while idle servers are connected to it (and the next tests find it there)",
    "test_prepare_explicitly_named": "EXECUTE of a statement that the protocol prepared",
}


def prepare(there):
    shutil.copytree(sources.python_sdist("asyncpg==0.27.0") / "tests", there / "tests", dirs_exist_ok=True)


def run(there, target):
    report = target.directory / "report.xml"
    reports.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
                 "--timeout", "60", f"--junitxml={report}", "tests"],
                target.directory / "log", MINUTES * 60, cwd=there,
                env={**target.environment(), "PYTHONDONTWRITEBYTECODE": "1"})
    return reports.junit(report) if report.exists() else {}
